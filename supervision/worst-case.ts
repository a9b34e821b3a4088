/**
 * The worst case of a tree of supervisors: how many crashes in a row bring it down, how long they
 * may go on before they do, and what in its specs is likely not to be meant. A lint: it starts
 * nothing, and asks the logics alone.
 */
import { InvalidOption } from '../runtime/index.ts';
import { checkId, checkLogic, checkOptions } from '../runtime/internal.ts';
import type { ChildSpec } from './child-spec.ts';
import { planBehind, type Plan } from './plan.ts';

/** One supervisor of a chain. */
export interface WorstCaseLevel {
  readonly path: string;
  readonly intensity: number;
  readonly periodMs: number;
  /** Ends of its child that it takes to make this supervisor give up. */
  readonly endsToGiveUp: number;
}

/** A chain of supervisors, from the one under which workers crash up to the one that falls in the end. */
export interface WorstCaseChain {
  /** The supervisor under which the workers crash. */
  readonly path: string;
  /** Who is down for good in the end: the root, or a supervisor below it that nobody restarts. */
  readonly falls: string;
  /** From `falls` down to `path`. */
  readonly levels: readonly WorstCaseLevel[];
  /** Crashes of workers under `path` until then: the product of `endsToGiveUp`. */
  readonly crashes: number;
  /** The longest that such a run of crashes can last; slower ones are healed for ever. */
  readonly burstMs: number;
}

/** What a warning is about. */
export type WorstCaseConcern =
  | 'equal intensities'
  | 'too many crashes'
  | 'stays down'
  | 'worker without a grace'
  | 'options unknown';

/** One thing that is likely not to be meant. */
export interface WorstCaseWarning {
  readonly concern: WorstCaseConcern;
  readonly path: string;
  readonly message: string;
}

/** What {@link worstCase} found. */
export interface WorstCase {
  readonly chains: readonly WorstCaseChain[];
  readonly warnings: readonly WorstCaseWarning[];
  /** All of it, to be read. */
  readonly text: string;
}

/** The options of {@link worstCase}. */
export interface WorstCaseOptions {
  /** The id that the root will have; default `'top'`. */
  readonly id?: string;
  /** A chain that holds out more crashes than this is warned of; default 1,000. */
  readonly crashesMax?: number;
}

/**
 * Computes the worst case of a supervisor's logic and all that stand under it in child specs. What
 * dynamic supervisors will start, and what options made at the start will say, it cannot know.
 *
 * @example
 * ```ts
 * import { worstCase } from 'troupe';
 * const inner = supervisor({ children: [child({ id: 'editor', logic: editorMachine })] });
 * const { chains, text } = worstCase(supervisor({ children: [child({ id: 'inner', logic: inner })] }));
 * expect(chains[0]?.crashes).toBe(4);
 * console.log(text);
 * ```
 */
export function worstCase(logic: object, options: WorstCaseOptions = {}): WorstCase {
  checkLogic(logic);
  checkOptions(options, ['id', 'crashesMax'], 'worstCase');
  const { id = 'top', crashesMax = 1_000 } = options;
  checkId(id);
  if (typeof crashesMax !== 'number' || !(crashesMax >= 1)) {
    throw new InvalidOption({ field: 'crashesMax', given: crashesMax, allowed: 'a number >= 1' });
  }
  const chains: WorstCaseChain[] = [];
  const warnings: WorstCaseWarning[] = [];
  const path = `/${id}`;
  const plan = planBehind(logic);
  if (plan === undefined) warnings.push(unknown(path));
  else visit(path, plan, [], chains, warnings);

  for (const chain of chains) {
    const { path, crashes, levels } = chain;
    if (crashes > crashesMax) {
      const message = `${crashes} crashes are restarted before ${chain.falls} falls: lower the intensities`;
      warnings.push({ concern: 'too many crashes', path, message });
    }
    const [first] = levels;
    if (levels.length > 1 && levels.every(({ intensity }) => intensity === first?.intensity)) {
      const message = `all ${levels.length} levels have intensity ${first?.intensity}: they multiply to ${crashes} crashes; lower it further up`;
      warnings.push({ concern: 'equal intensities', path, message });
    }
  }
  return { chains, warnings, text: textOf(chains, warnings) };
}

/** `above`: the levels from whoever falls in the end down to the parent. */
function visit(
  path: string,
  plan: Plan,
  above: readonly WorstCaseLevel[],
  chains: WorstCaseChain[],
  warnings: WorstCaseWarning[],
): void {
  const { intensity, periodMs, specs } = plan;
  const level = (endsToGiveUp: number): WorstCaseLevel => ({
    path,
    intensity,
    periodMs,
    endsToGiveUp,
  });
  const workers = specs.filter(({ type }) => type === 'worker');
  for (const { id, shutdown } of workers) {
    if (shutdown !== 'infinity') continue;
    const message = 'has shutdown "infinity": one worker that does not end holds up the whole stop';
    warnings.push({ concern: 'worker without a grace', path: `${path}/${id}`, message });
  }

  // Who has no children in its specs gets them on request.
  const ends = specs.length === 0 ? [intensity + 1] : workers.map((spec) => endsOf(spec, plan));
  const fewest = Math.min(...ends);
  if (fewest < Infinity) chains.push(chainOf([...above, level(fewest)]));

  for (const spec of specs) {
    if (spec.type === 'worker') continue;
    const below = `${path}/${spec.id}`;
    const inner = planBehind(spec.logic);
    const count = endsOfSupervisor(spec, plan);
    if (count === Infinity) {
      const message = `is ${spec.restart}: when it gives up it ends with shutdown, which is a clean end, and it stays down while ${path} goes on`;
      warnings.push({ concern: 'stays down', path: below, message });
    }
    if (inner === undefined) warnings.push(unknown(below));
    else visit(below, inner, count === Infinity ? [] : [...above, level(count)], chains, warnings);
  }
}

/** Crashes of one worker until its supervisor gives up; `Infinity` when it never does for this one. */
function endsOf({ restart, significant, restartsMax }: ChildSpec, plan: Plan): number {
  if (significant && endsWith(plan)) return restart === 'temporary' ? 1 : limit(restartsMax, plan);
  return restart === 'temporary' ? Infinity : limit(restartsMax, plan);
}

/** The same for a supervisor, which gives up with `shutdown`: that is clean, so only a permanent one is restarted. */
function endsOfSupervisor({ restart, significant, restartsMax }: ChildSpec, plan: Plan): number {
  if (restart === 'permanent') return limit(restartsMax, plan);
  return significant && endsWith(plan) ? 1 : Infinity;
}

function limit(restartsMax: number, { intensity }: Plan): number {
  return Math.min(intensity, restartsMax) + 1;
}

/** Whether the end of one significant child is sure to end its supervisor. */
function endsWith({ autoShutdown, specs }: Plan): boolean {
  if (autoShutdown !== 'all_significant') return autoShutdown === 'any_significant';
  return specs.filter(({ significant }) => significant).length === 1;
}

function chainOf(levels: readonly WorstCaseLevel[]): WorstCaseChain {
  const last = levels.at(-1) as WorstCaseLevel;
  let crashes = 1;
  let burstMs = 0;
  for (const { intensity, periodMs, endsToGiveUp } of levels) {
    crashes *= endsToGiveUp;
    // The first end of a child may follow a burst below of full length; the others must come within
    // the period. A limit of the child's own, below the intensity, counts however slowly they come.
    if (endsToGiveUp > 1) burstMs += endsToGiveUp > intensity ? periodMs : Infinity;
  }
  return { path: last.path, falls: (levels[0] as WorstCaseLevel).path, levels, crashes, burstMs };
}

function unknown(path: string): WorstCaseWarning {
  const message = 'its options are made at its start, so they are not counted';
  return { concern: 'options unknown', path, message };
}

function textOf(chains: readonly WorstCaseChain[], warnings: readonly WorstCaseWarning[]): string {
  const lines = chains.map(({ path, falls, levels, crashes, burstMs }) => {
    const product = levels.map(({ endsToGiveUp }) => endsToGiveUp).join(' × ');
    const count = levels.length > 1 ? `${crashes} crashes (${product})` : `${crashes} crashes`;
    const within = burstMs === Infinity ? 'however slow' : `within ${burstMs} ms at most`;
    return `${path}: ${count}, ${within}, bring down ${falls}`;
  });
  const warned = warnings.map(({ path, concern, message }) => `! ${path}: ${concern}: ${message}`);
  return [...lines, ...warned].join('\n');
}
