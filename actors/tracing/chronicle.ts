/**
 * A chronicle: who gave which task to whom, who decided what and why, and how it ended, kept for
 * each of the latest runs. A run is a task from outside with all that is done for it.
 */
import {
  InvalidOption,
  type InspectionEvent,
  type Report,
  type System,
} from '../../runtime/index.ts';
import { checkOptions, coreOf } from '../../runtime/internal.ts';
import type { AuditRecord } from '../guard/audit.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import type { Outcome, Task } from '../task.ts';

/** What happened, in order. */
export type StoryEntry = {
  /** Milliseconds since the run began. */
  readonly atMs: number;
  /** The task in whose course it happened. */
  readonly taskId: string;
  /** How many tasks it was handed down through. */
  readonly depth: number;
} & (
  | { readonly type: 'given'; readonly by: string; readonly to: string }
  | {
      readonly type: 'ended';
      readonly status: Outcome['status'];
      /** Why it is not done. */
      readonly why?: string;
    }
  | {
      readonly type: 'decided';
      readonly by: string;
      readonly what: string;
      readonly why: string;
      /** What it was decided on. */
      readonly data: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'told'; readonly by: string; readonly message: string }
  | {
      readonly type: 'guarded';
      readonly guard: string;
      readonly action: string;
      readonly decision: string;
      readonly rule: string;
      readonly why: string;
      readonly came: string;
      readonly approvedBy?: string;
    }
  | { readonly type: 'restarted'; readonly agent: string }
);

/** All that is known of one run. */
export interface Story {
  readonly runId: string;
  readonly goal: string;
  readonly entries: readonly StoryEntry[];
  /** Entries that came when there was no room for more. */
  readonly omitted: number;
}

/** What a chronicle keeps. */
export interface ChronicleOptions {
  /** Runs; the oldest go first. Default 100. */
  readonly runsMax?: number;
  /** Entries of one run; default 1,000. What comes later is counted, but for its end. */
  readonly entriesMax?: number;
}

/** Where entries of a task go. */
interface Place {
  readonly run: Kept;
  readonly taskId: string;
  readonly depth: number;
}

interface Kept {
  readonly runId: string;
  readonly goal: string;
  readonly startedMs: number;
  readonly entries: StoryEntry[];
  omitted: number;
}

type Parts = StoryEntry extends infer TEntry
  ? TEntry extends unknown
    ? Omit<TEntry, 'atMs' | 'taskId' | 'depth'>
    : never
  : never;

/**
 * Begins to keep a chronicle of a system. It looks at every message: switch it on where one wants
 * to know, not where every microsecond counts.
 *
 * @example
 * ```ts
 * import { chronicle } from 'troupe/actors';
 *
 * const kept = chronicle(system);
 * await perform(system, editor, { id: 't1', goal: 'tidy up', input: { text: ' hello ' } });
 * console.log(kept.explain('t1'));
 * ```
 *
 * Throws `InvalidOption`.
 */
export function chronicle(system: System, options: ChronicleOptions = {}): Chronicle {
  checkOptions(options, ['runsMax', 'entriesMax'], 'chronicle');
  const { runsMax = ACTORS_LIMITS.storiesMax, entriesMax = ACTORS_LIMITS.storyEntriesMax } =
    options;
  for (const [field, given] of Object.entries({ runsMax, entriesMax })) {
    if (Number.isInteger(given) && given >= 1) continue;
    throw new InvalidOption({ field: `chronicle.${field}`, given, allowed: 'an integer >= 1' });
  }
  return new Chronicle(system, runsMax, entriesMax);
}

/** Tells of the latest runs of a system. */
export class Chronicle {
  readonly #nowMs: () => number;
  readonly #runsMax: number;
  readonly #entriesMax: number;
  readonly #kept = new Map<string, Kept>();
  /** Where the task of each run agent belongs, by the agent's path. */
  readonly #workers = new Map<string, Place>();
  /** Tasks that are given away and have not ended, by who gave them and their id. */
  readonly #open = new Map<string, Place & { readonly to: string }>();
  /** Ends it: what happens from now on is not kept. */
  readonly stop: () => void;

  /** @internal Made by `chronicle`. */
  constructor(system: System, runsMax: number, entriesMax: number) {
    const { clock, inspection } = coreOf(system);
    this.#nowMs = () => clock.now();
    this.#runsMax = runsMax;
    this.#entriesMax = entriesMax;
    this.stop = inspection.observe((event) => this.#note(event));
  }

  /** The ids of the runs that are kept, oldest first. */
  runs(): readonly string[] {
    return [...this.#kept.keys()];
  }

  /** What happened in a run, as data. Throws `InvalidOption` for a run that is not kept. */
  story(runId: string): Story {
    const kept = this.#kept.get(runId);
    if (kept === undefined) {
      const allowed = `a run that is kept: ${this.runs().join(', ') || 'there is none yet'}`;
      throw new InvalidOption({ field: 'runId', given: runId, allowed });
    }
    const { goal, entries, omitted } = kept;
    return { runId, goal, entries: [...entries], omitted };
  }

  /** The same in plain words. Throws `InvalidOption` for a run that is not kept. */
  explain(runId: string): string {
    const { goal, entries, omitted } = this.story(runId);
    const lines = entries.map((entry) => {
      const atMs = `${Math.round(entry.atMs)}`.padStart(7);
      return `${atMs} ms  ${'  '.repeat(entry.depth)}${wordsOf(entry)}`;
    });
    if (omitted > 0) lines.push(`(${omitted} more were not kept)`);
    return [`${runId}: ${goal}`, ...lines].join('\n');
  }

  #note(event: InspectionEvent): void {
    switch (event.type) {
      case 'delivered':
        return this.#delivered(event.message, event.to, event.from);
      case 'settled': {
        // A task whose performer is gone: nobody else tells how it ended.
        if (event.outcome === 'answered' || event.request !== 'task') return;
        for (const [key, place] of this.#open) {
          if (place.to !== event.to || !key.startsWith(`${event.by} `)) continue;
          this.#open.delete(key);
          const status = event.outcome === 'cancelled' ? 'cancelled' : 'failed';
          const why = event.error instanceof Error ? { why: event.error.message } : {};
          this.#add(place, { type: 'ended', status, ...why });
        }
        return;
      }
      case 'report':
        return this.#report(event.report);
      case 'restarted': {
        const place = this.#nearest(event.path);
        if (place !== undefined)
          this.#add(place, { type: 'restarted', agent: event.path.slice(1) });
        return;
      }
      case 'ended':
        this.#workers.delete(event.path);
        return;
      default:
    }
  }

  #delivered(message: unknown, to: string, from: string | undefined): void {
    if (isGiven(message)) this.#given(message.task, message.by.address, to);
    else if (isBegin(message)) {
      const place = this.#byTask(message.task.id);
      if (place !== undefined) this.#workers.set(pathOf(to), place);
    } else if (isOutcome(message)) this.#ended(message.outcome, from);
  }

  #given({ id: taskId, goal }: Task, by: string, to: string): void {
    const giver = this.#workers.get(pathOf(by));
    let run = giver?.run ?? this.#kept.get(taskId);
    if (run === undefined) {
      run = { runId: taskId, goal, startedMs: this.#nowMs(), entries: [], omitted: 0 };
      this.#kept.set(taskId, run);
      const [oldest] = this.#kept.keys();
      if (this.#kept.size > this.#runsMax && oldest !== undefined) this.#kept.delete(oldest);
    }
    const place = { run, taskId, depth: giver === undefined ? 0 : giver.depth + 1 };
    this.#open.set(`${by} ${taskId}`, { ...place, to });
    this.#add(place, {
      type: 'given',
      by: giver === undefined ? 'somebody outside' : hostOf(by),
      to: nameOf(to),
    });
  }

  #ended(outcome: Outcome, from: string | undefined): void {
    for (const [key, place] of this.#open) {
      if (place.taskId !== outcome.taskId || place.to !== from) continue;
      this.#open.delete(key);
      const why = whyOf(outcome);
      const { status } = outcome;
      this.#add(place, { type: 'ended', status, ...(why !== undefined && { why }) });
    }
  }

  #report({ label, path, fields }: Report): void {
    if (label === 'guard/decision') {
      const { principal, action, decision, outcome, approvedBy } = fields as unknown as AuditRecord;
      const place = this.#workers.get(pathOf(principal.agent));
      if (place === undefined) return;
      this.#add(place, {
        type: 'guarded',
        guard: path.slice(1),
        action,
        decision: decision.decision,
        rule: decision.ruleId,
        why: decision.reason,
        came: outcome,
        ...(approvedBy !== undefined && { approvedBy }),
      });
      return;
    }
    const place = this.#workers.get(path);
    if (place === undefined) return;
    const by = hostOf(path);
    if (label === 'actors/decision') {
      const { taskId: _, what, why, ...data } = fields;
      this.#add(place, { type: 'decided', by, what: String(what), why: String(why), data });
    } else if (label === 'actors/progress') {
      this.#add(place, { type: 'told', by, message: String(fields['message']) });
    }
  }

  #add({ run, taskId, depth }: Place, parts: Parts): void {
    const isEnd = parts.type === 'ended' && taskId === run.runId;
    if (run.entries.length >= this.#entriesMax && !isEnd) {
      run.omitted += 1;
      return;
    }
    run.entries.push({ atMs: this.#nowMs() - run.startedMs, taskId, depth, ...parts });
  }

  #byTask(taskId: string): Place | undefined {
    return [...this.#open.values()].findLast((place) => place.taskId === taskId);
  }

  /** The work that an agent stands nearest to: that of the performer that it is a part of. */
  #nearest(path: string): Place | undefined {
    const [nearest] = [...this.#workers]
      .filter(([worker]) => path.startsWith(`${worker.slice(0, worker.lastIndexOf('/'))}/`))
      .toSorted(([one], [other]) => other.length - one.length);
    return nearest?.[1];
  }
}

function wordsOf(entry: StoryEntry): string {
  switch (entry.type) {
    case 'given':
      return `${entry.by} gives ${entry.taskId} to ${entry.to}`;
    case 'ended':
      return `${entry.taskId} is ${entry.status}${entry.why === undefined ? '' : `: ${entry.why}`}`;
    case 'decided': {
      const on = Object.entries(entry.data).map(([name, value]) => `${name}: ${textOf(value)}`);
      const grounds = on.length === 0 ? '' : ` (${on.join(', ')})`;
      return `${entry.by} decides: ${entry.what}, because ${entry.why}${grounds}`;
    }
    case 'told':
      return `${entry.by}: ${entry.message}`;
    case 'guarded': {
      const { guard, action, decision, rule, why, came, approvedBy } = entry;
      const who = approvedBy === undefined ? '' : `, approved by ${approvedBy}`;
      return `the guard ${guard} says ${decision} to ${action} by its rule "${rule}", because ${why}: ${came}${who}`;
    }
    case 'restarted':
      return `${entry.agent} is restarted`;
  }
}

function whyOf(outcome: Outcome): string | undefined {
  switch (outcome.status) {
    case 'done':
      return undefined;
    case 'partial':
      return `without ${outcome.missing.join(', ')}`;
    case 'failed':
      return `${outcome.failure.kind}: ${outcome.failure.message}`;
    case 'cancelled':
      return outcome.reason;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}

function pathOf(address: string): string {
  return address.slice(address.indexOf('/'));
}

/** The agent of an address, without its node. */
function nameOf(address: string): string {
  return pathOf(address).slice(1);
}

/** Whom a run works for. */
function hostOf(run: string): string {
  return nameOf(run.slice(0, run.lastIndexOf('/')));
}

function isGiven(message: unknown): message is { task: Task; by: { address: string } } {
  return (
    isObject(message) && message['type'] === 'task' && isTask(message) && isObject(message['by'])
  );
}

function isBegin(message: unknown): message is { task: Task } {
  return isObject(message) && message['type'] === 'begin' && isTask(message);
}

function isTask(message: Readonly<Record<string, unknown>>): boolean {
  const { task } = message;
  return isObject(task) && typeof task['id'] === 'string';
}

function isOutcome(message: unknown): message is { outcome: Outcome } {
  return isObject(message) && message['type'] === 'outcome' && isObject(message['outcome']);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
