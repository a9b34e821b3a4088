/**
 * Tokens: a failing case as a text that is short enough for a log and a commit message.
 *
 *     tr1.<case>                  one case; it survives most edits of the program
 *     trs.<strategy>.<seed>       a whole exploration; it means something else after any edit
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { TroupeError } from '../runtime/index.ts';
import type { Case } from './case.ts';
import { digest } from './digest.ts';
import { follow } from './follow.ts';
import { digestOf } from './repeat.ts';
import type { Run } from './run.ts';
import type { Step } from './step.ts';
import type { Scenario } from './scenario.ts';
import { withTraps } from './traps.ts';
import type { Violation } from './violation.ts';

const VERSION = 1;
const PREFIX = `tr${VERSION}.`;
const SEED_PREFIX = 'trs.';

/** A token that cannot be used: it says what was asked for and what was there. */
export class BadToken extends TroupeError {
  readonly code = 'BAD_TOKEN';

  constructor(token: string, expected: string, found: string) {
    const shown = token.length > 60 ? `${token.slice(0, 60)}…` : token;
    super(`the token ${shown} cannot be used: expected ${expected}, found ${found}`, {
      token,
      expected,
      found,
    });
  }
}

/** What a token says. */
export interface Decoded {
  /** The scenario that it was made for. */
  readonly name: string;
  readonly case: Case;
  /** The digest of the steps that the case made. */
  readonly digest: string;
}

/** What the replay of a token came to. */
export interface Replayed<W = unknown> {
  readonly case: Case<W>;
  readonly violation: Violation | undefined;
  readonly steps: readonly Step[];
  readonly setup: Run['setup'];
  /** The steps are not those that the token was made of: the program has changed since. */
  readonly drifted: boolean;
  /** Events, faults and choices that the token names and that did not come up; they were left out. */
  readonly unknown: readonly string[];
}

interface Packed {
  readonly v: number;
  readonly n: string;
  /** The workload; absent when there is none, or none that JSON can carry. */
  readonly w?: unknown;
  readonly c: readonly (readonly [before: string, after: string])[];
  readonly f?: readonly string[];
  readonly o?: Readonly<Record<string, number>>;
  readonly s?: true;
  readonly r?: number;
  readonly l?: readonly [from: number, ...keys: string[]];
  readonly b?: readonly string[];
  readonly d: string;
}

/** The token of a case that has been run. */
export function encodeToken<W>(
  name: string,
  found: Case<W>,
  run: Pick<Run, 'steps' | 'setup'>,
): string {
  const { workload, constraints, faults, choices, fairSoon, fairOrder, lap, beside } = found;
  const packed: Packed = {
    v: VERSION,
    n: name,
    ...(isPlain(workload) && { w: workload }),
    c: constraints.map(({ before, after }) => [before, after] as const),
    ...(faults.length > 0 && { f: faults }),
    ...(Object.keys(choices).length > 0 && { o: choices }),
    ...(fairSoon === true && { s: true }),
    ...(fairOrder !== undefined && { r: fairOrder }),
    ...(lap !== undefined && { l: [lap.from, ...lap.keys] as const }),
    ...(beside !== undefined && { b: beside }),
    d: digestOf(run),
  };
  return PREFIX + deflateRawSync(JSON.stringify(packed)).toString('base64url');
}

/** Whether JSON gives a value back as it was. One that it cannot carry is left out of the token. */
function isPlain(value: unknown): boolean {
  if (value === undefined) return false;
  try {
    const again: unknown = JSON.parse(JSON.stringify(value));
    return textOf(again) === textOf(value);
  } catch {
    return false;
  }
}

function textOf(value: unknown): string {
  return digest(value, () => '(request)');
}

/** The token of an exploration with a seed. */
export function seedToken(strategy: string, seed: number): string {
  return `${SEED_PREFIX}${strategy}.${seed}`;
}

/** What a token says. Throws {@link BadToken}. */
export function decodeToken(token: string): Decoded {
  const trimmed = token.trim();
  if (!trimmed.startsWith(PREFIX))
    throw new BadToken(token, `a token that begins with "${PREFIX}"`, describeStart(trimmed));
  let packed: unknown;
  try {
    packed = JSON.parse(
      inflateRawSync(Buffer.from(trimmed.slice(PREFIX.length), 'base64url')).toString('utf8'),
    );
  } catch (error) {
    throw new BadToken(token, 'a whole token', `one that is cut or changed (${String(error)})`);
  }
  if (!isPacked(packed)) throw new BadToken(token, 'a case', JSON.stringify(packed).slice(0, 80));
  const { n, w, c, f = [], o = {}, s, r, l, b, d } = packed;
  return {
    name: n,
    case: {
      workload: w,
      constraints: c.map(([before, after]) => ({ before, after })),
      faults: f,
      choices: o,
      ...(s === true && { fairSoon: true }),
      ...(r !== undefined && { fairOrder: r }),
      ...(l !== undefined && { lap: { from: l[0], keys: l.slice(1) as string[] } }),
      ...(b !== undefined && { beside: b }),
    },
    digest: d,
  };
}

/** What a token of a seed says; undefined when it is another kind of token. */
export function decodeSeed(token: string): { strategy: string; seed: number } | undefined {
  const [, strategy, seed] = /^trs\.([a-z]+)\.(-?\d+)$/.exec(token.trim()) ?? [];
  return strategy === undefined ? undefined : { strategy, seed: Number(seed) };
}

/**
 * Replays a token. What it names and the scenario does not know any more is left out; then the
 * result says that it has drifted. Throws {@link BadToken} when the token is of another scenario.
 */
export function replayToken<W>(scenario: Scenario<W>, token: string): Replayed<W> {
  const { name, case: decoded, digest } = decodeToken(token);
  const own = nameOf(scenario);
  if (name !== own) throw new BadToken(token, `a token of "${own}"`, `one of "${name}"`);
  if (scenario.workload !== undefined && decoded.workload === undefined)
    throw new BadToken(token, 'a workload', 'none: the scenario had none, or JSON cannot carry it');
  return withTraps(() => again(scenario, decoded as Case<W>, digest));
}

function again<W>(scenario: Scenario<W>, asked: Case<W>, digest: string): Replayed<W> {
  const run = follow(scenario, asked);
  if (digestOf(run) === digest) return replayed(asked, run, false, []);
  const unknown = unknownIn(asked, run);
  if (unknown.length === 0) return replayed(asked, run, true, []);
  const rest = without(asked, new Set(unknown));
  return replayed(rest, follow(scenario, rest), true, unknown);
}

/** The name under which tokens know a scenario. */
export function nameOf({ name }: Pick<Scenario, 'name'>): string {
  return name ?? 'scenario';
}

function replayed<W>(
  followed: Case<W>,
  { violation, steps, setup }: Run<W>,
  drifted: boolean,
  unknown: readonly string[],
): Replayed<W> {
  return { case: followed, violation, steps, setup, drifted, unknown };
}

/** Ids that a case names and a run of it has not shown, neither as done nor as possible at its end. */
function unknownIn<W>({ constraints, faults, choices }: Case<W>, run: Run<W>): string[] {
  const shown = new Set<string>(run.enabled().map(({ id }) => id));
  for (const { id } of run.steps) shown.add(id);
  for (const { sent } of [run.setup, ...run.steps]) for (const id of sent) shown.add(id);
  const made = [run.setup, ...run.steps].flatMap((step) => step.choices);
  for (const { id } of made) shown.add(id).add(`${id.slice(0, id.lastIndexOf('#'))}#*`);
  const named = [
    ...constraints.flatMap(({ before, after }) => [before, after]),
    ...faults,
    ...Object.keys(choices),
  ];
  return [...new Set(named)].filter((id) => !shown.has(id));
}

function without<W>(given: Case<W>, unknown: ReadonlySet<string>): Case<W> {
  return {
    ...given,
    constraints: given.constraints.filter(
      ({ before, after }) => !unknown.has(before) && !unknown.has(after),
    ),
    faults: given.faults.filter((id) => !unknown.has(id)),
    choices: Object.fromEntries(Object.entries(given.choices).filter(([id]) => !unknown.has(id))),
  };
}

function isPacked(value: unknown): value is Packed {
  if (typeof value !== 'object' || value === null) return false;
  const { v, n, c, d, f, o, r, l, b } = value as Partial<Record<keyof Packed, unknown>>;
  const isTexts = (list: unknown): boolean =>
    Array.isArray(list) && list.every((item) => typeof item === 'string');
  return (
    v === VERSION &&
    typeof n === 'string' &&
    typeof d === 'string' &&
    Array.isArray(c) &&
    c.every((pair: unknown) => isTexts(pair) && (pair as unknown[]).length === 2) &&
    (f === undefined || isTexts(f)) &&
    (b === undefined || isTexts(b)) &&
    (l === undefined || (Array.isArray(l) && typeof l[0] === 'number' && isTexts(l.slice(1)))) &&
    (r === undefined || typeof r === 'number') &&
    (o === undefined || (typeof o === 'object' && o !== null))
  );
}

function describeStart(token: string): string {
  if (token.startsWith(SEED_PREFIX)) return 'the seed of an exploration, which names no case';
  const version = /^tr(\d+)\./.exec(token)?.[1];
  if (version !== undefined) return `a token of version ${version}`;
  return token === '' ? 'nothing' : `"${token.slice(0, 12)}"`;
}
