/**
 * What the code of a simulated program may call: choices, tasks, marks of progress, assertions.
 * They act on the run that steps now, for there is one thread and steps never nest.
 */
import { InvalidOption } from '../runtime/index.ts';
import { running } from '../runtime/internal.ts';

/** What a run does when its program calls one of the functions below. */
export interface Ambient {
  choose(label: string, options: readonly unknown[], fair: boolean): number;
  open(task: string): void;
  close(task: string): void;
  progress(): void;
  fail(text: string): never;
  nondeterministic(error: Error): void;
}

/** A failed `assert` of the simulated program. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed';
}

let now: Ambient | undefined;

/** Runs something with a run in place. */
export function within<T>(run: Ambient, body: () => T): T {
  const before = now;
  now = run;
  try {
    return body();
  } finally {
    now = before;
  }
}

/** Does something that is no part of the step that runs. */
export function outside<T>(body: () => T): T {
  const before = now;
  now = undefined;
  try {
    return body();
  } finally {
    now = before;
  }
}

/** The run that steps now; undefined between steps. */
export function present(): Ambient | undefined {
  return now;
}

/**
 * A choice that is not the program's, such as the route that a model takes: the simulation explores
 * every option, and takes the worst. With FIFO it is the first.
 *
 * @example
 * ```ts
 * import { choose } from 'troupe/simulation';
 *
 * const next = choose('route', ['billing', 'tech', 'done']);
 * ```
 */
export function choose<const T>(label: string, options: readonly T[]): T {
  return options[pick(label, options, false)] as T;
}

/** As {@link choose}, but no option that comes up again and again is avoided for ever. */
export function chooseFairly<const T>(label: string, options: readonly T[]): T {
  return options[pick(label, options, true)] as T;
}

/** Opens a task by name: from now on it is an obligation that must be done at last. */
export function task(name: string): void {
  ambient('task').open(name);
}

/** The task is done. */
export function done(name: string): void {
  ambient('done').close(name);
}

/** Says that this step brought the work forward: a loop that does so is no livelock. */
export function progress(): void {
  ambient('progress').progress();
}

/** Fails the run as a violation of safety unless the condition holds. */
export function assert(condition: boolean, text: string): asserts condition {
  if (!condition) ambient('assert').fail(text);
}

function pick(label: string, options: readonly unknown[], fair: boolean): number {
  if (options.length === 0)
    throw new InvalidOption({ field: `choose("${label}")`, given: [], allowed: 'options' });
  const by = running.cell?.path.slice(1) ?? 'env';
  return ambient('choose').choose(`${by}:${label}`, options, fair);
}

function ambient(called: string): Ambient {
  if (now !== undefined) return now;
  throw new InvalidOption({
    field: called,
    given: 'no simulation',
    allowed: 'a call in a step of a simulated system',
  });
}
