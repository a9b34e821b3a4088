/**
 * The scene: what a diagram of a failed run shows, before it is drawn. Lanes are agents, rows are what
 * happened, from top to bottom.
 */
import { notesOf, optionOf, reasonsOf, told, whatOf, type Told } from './explain.ts';
import { idInWords, parseId, sender } from './event-id.ts';
import type { Failure, Report } from './report.ts';
import type { Step } from './step.ts';
import { sliceOf } from './slice.ts';

/** What is drawn. */
export interface Scene {
  readonly name: string;
  readonly verdict: string;
  readonly message: string;
  /** Why it fails, a sentence for each difference from the plainest order. */
  readonly reasons: readonly string[];
  readonly lanes: readonly string[];
  readonly rows: readonly Row[];
  /** The wait-for circle, with what is waited for. */
  readonly circle: readonly { readonly agent: string; readonly waitsFor: string }[];
}

export type Tone = 'plain' | 'fault' | 'verdict';

/** One row of a scene. */
export type Row =
  | {
      readonly kind: 'arrow';
      readonly step: number;
      readonly from: string;
      readonly to: string;
      readonly text: string;
      readonly style: 'message' | 'answer' | 'timer' | 'lost';
      /** The row in which an overtaken message was sent; -1 is before the first. */
      readonly sentAt?: number;
      /** It overtakes another. */
      readonly isEarly?: boolean;
      /** It was sent and is not there at the end. */
      readonly isPending?: boolean;
    }
  | {
      readonly kind: 'note';
      readonly over: readonly string[];
      readonly text: string;
      readonly tone: Tone;
    }
  | { readonly kind: 'restart'; readonly agent: string; readonly text: string }
  | { readonly kind: 'gap'; readonly steps: number }
  | { readonly kind: 'open'; readonly frame: 'loop' | 'pair'; readonly text: string }
  | { readonly kind: 'close'; readonly frame: 'loop' | 'pair' };

/** Arrows that a diagram shows at most. */
const ARROWS_MAX = 40;

/** Makes the scene of a failure. */
export function sceneOf<W>({ name }: Pick<Report<W>, 'name'>, failure: Failure<W>): Scene {
  const run = told(failure);
  const { violation } = run;
  const reasons = failure.minimal === undefined ? [] : reasonsOf(failure.minimal);
  const rows = rowsOf(run);
  const { verdict, message, cycle = [], obligations } = violation;
  const lanes = lanesOf(rows, cycle);
  return {
    name,
    verdict,
    message,
    reasons,
    lanes,
    rows: rows.map((row) =>
      row.kind === 'note' && row.over.length === 0 ? { ...row, over: ends(lanes) } : row,
    ),
    circle: cycle.map((agent, index) => ({ agent, waitsFor: requestOf(obligations[index] ?? '') })),
  };
}

/** A note about all lanes spans them. */
function ends(lanes: readonly string[]): string[] {
  return [...new Set([lanes[0] ?? 'env', lanes.at(-1) ?? 'env'])];
}

function rowsOf(run: Told): Row[] {
  const { steps, violation } = run;
  const shown = capped(run);
  const { loopFrom = Infinity } = violation;
  const pair = pairOf(run, shown);
  const rows: Row[] = [];
  const rowOfStep = new Map<number, number>();
  let last = -1;
  let inLoop = false;
  for (const index of shown) {
    const step = steps[index] as Step;
    if (index > last + 1 && shown.length > ARROWS_MAX - 1 && last >= 0)
      rows.push({ kind: 'gap', steps: index - last - 1 });
    last = index;
    if (index >= loopFrom && !inLoop) {
      inLoop = true;
      rows.push({ kind: 'open', frame: 'loop', text: 'for ever' });
    }
    if (index === pair?.from) rows.push({ kind: 'open', frame: 'pair', text: pair.text });
    const sentAt = pair?.late.has(step.id) === true ? (rowOfStep.get(step.cause) ?? -1) : undefined;
    rowOfStep.set(index, rows.length);
    const isEarly = pair?.early.has(step.id) === true;
    rows.push(...rowsOfStep(step, index, { ...(sentAt === undefined ? {} : { sentAt }), isEarly }));
    if (index !== pair?.to) continue;
    for (const id of pair.pending) {
      const event = parseId(id);
      if (event.kind !== 'message' && event.kind !== 'answer') continue;
      const born = steps.findIndex(({ sent }) => sent.includes(id));
      rows.push({
        kind: 'arrow',
        step: -1,
        from: event.from,
        to: event.to,
        text: `${event.kind === 'answer' ? 'answer to ' : ''}${event.type} is still on its way`,
        style: 'message',
        sentAt: rowOfStep.get(born) ?? -1,
        isPending: true,
      });
    }
    rows.push({ kind: 'close', frame: 'pair' });
  }
  if (inLoop) rows.push({ kind: 'close', frame: 'loop' });
  rows.push(...verdictRows(run));
  return rows;
}

/** The steps that are shown: the causal slice, with the middle left out when it is too long. */
function capped({ steps, violation, case: found }: Told): number[] {
  const { all, core } = sliceOf(steps, violation, found);
  const slice = all.length <= ARROWS_MAX ? all : core;
  if (slice.length <= ARROWS_MAX) return [...slice];
  const head = Math.floor(ARROWS_MAX / 3);
  return [...slice.slice(0, head), ...slice.slice(slice.length - (ARROWS_MAX - head))];
}

interface Pair {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** The events that come too early, and those that they overtake. */
  readonly early: ReadonlySet<string>;
  readonly late: ReadonlySet<string>;
  /** Those of them that have not come at the end. */
  readonly pending: readonly string[];
}

/** The first pair of events in the wrong order that can be framed: from the early to the late one. */
function pairOf(
  { steps, violation, case: found }: Told,
  shown: readonly number[],
): Pair | undefined {
  const constraints = found?.constraints ?? [];
  const early = new Set(constraints.map(({ before }) => before));
  const late = new Set(constraints.map(({ after }) => after));
  for (const [index, { before, after }] of constraints.entries()) {
    const at = (id: string): number => shown.find((step) => steps[step]?.id === id) ?? -1;
    const from = at(before);
    const to = at(after);
    if (from < 0) continue;
    const text = `(${index + 1}) out of order`;
    const crossesLoop = (violation.loopFrom ?? Infinity) <= Math.max(from, to);
    if (crossesLoop) continue;
    if (to < 0) return { from, to: from, text, early, late, pending: [after] };
    if (to > from) return { from, to, text, early, late, pending: [] };
  }
  return undefined;
}

function rowsOfStep(
  step: Step,
  index: number,
  place: { readonly sentAt?: number; readonly isEarly: boolean },
): Row[] {
  const event = parseId(step.id);
  const of = event.kind === 'fault' ? event.of : event;
  const rows: Row[] = [];
  const at = { kind: 'arrow', step: index + 1, text: whatOf(step) } as const;
  if (of.kind === 'message' || of.kind === 'answer') {
    const isOwn = of.from === 'timer' || of.from === 'inner';
    const from = isOwn ? of.to : of.from;
    const isLost = event.kind === 'fault' && event.fault === 'drop';
    const style = isLost ? 'lost' : of.kind === 'answer' ? 'answer' : isOwn ? 'timer' : 'message';
    rows.push({ ...at, from, to: of.to, style, ...place });
  } else if (of.kind === 'timer') {
    rows.push({
      ...at,
      text: `${at.text} (${step.atMs} ms)`,
      from: of.of,
      to: of.of,
      style: 'timer',
      ...place,
    });
  }
  if (of.kind === 'effect') rows.push({ ...at, from: of.of, to: of.of, style: 'timer', ...place });
  if (of.kind === 'network')
    rows.push({
      kind: 'note',
      over: [],
      text: idInWords(of),
      tone: of.isParted ? 'fault' : 'plain',
    });
  if (event.kind === 'fault' || event.kind === 'waiting') {
    const over = [event.kind === 'waiting' ? event.agent : laneOf(step)];
    rows.push({ kind: 'note', over, text: idInWords(event), tone: 'fault' });
  }
  for (const choice of step.choices) {
    if (choice.count < 2) continue;
    const text = `${idInWords(parseId(choice.id)).replace(/ of \S+/, '')}: ${optionOf(choice)}`;
    rows.push({ kind: 'note', over: [laneOf(step)], text, tone: 'plain' });
  }
  const plain: string[] = [];
  for (const note of notesOf(step)) {
    const [, restarted, life] = /^(\S+) restarted \((life \d+)\)$/.exec(note) ?? [];
    if (restarted !== undefined)
      rows.push({ kind: 'restart', agent: restarted, text: `restarted, ${life ?? ''}` });
    else if (/^\S+ (crashed|ended)|dead letter/.test(note))
      rows.push({
        kind: 'note',
        over: [/^(\S+) (crashed|ended)/.exec(note)?.[1] ?? laneOf(step)],
        text: note,
        tone: /crashed|dead letter/.test(note) ? 'fault' : 'plain',
      });
    else plain.push(note);
  }
  // What is only worth a mention goes into one note.
  if (plain.length > 0)
    rows.push({ kind: 'note', over: [laneOf(step)], text: plain.join('; '), tone: 'plain' });
  return rows;
}

function laneOf({ agent }: Step): string {
  return agent ?? 'env';
}

/** What it came to: who waits for whom, who owes what, or what is wrong. */
function verdictRows({ violation, steps }: Told): Row[] {
  const { verdict, cycle, obligations, message, agents, loopFrom } = violation;
  if (cycle !== undefined) {
    const notes = cycle.map((agent, index): Row => {
      const next = cycle[(index + 1) % cycle.length] ?? agent;
      const text = `waits for ${next} (${requestOf(obligations[index] ?? '')})`;
      return { kind: 'note', over: [agent], text, tone: 'verdict' };
    });
    return [...obligations.flatMap((name) => unhandled(name, steps)), ...notes];
  }
  if (loopFrom !== undefined) return [];
  if (verdict === 'STUCK') {
    const held = [...message.matchAll(/(\S+)⇒(\S+?):(.*?) \((.*?)\)/g)];
    const notes = held.flatMap(([, by = '', to = '', type = '', custody = '']): Row[] => {
      const holder = /held by ([^,]+)|not handled by (.+)/.exec(custody);
      const agent = holder?.[1] ?? holder?.[2] ?? to;
      const who = agents.includes(agent) ? agent : to;
      return [
        {
          kind: 'note',
          over: [who],
          text: `owes ${sender(by)} the answer to ${type}`,
          tone: 'verdict',
        },
      ];
    });
    if (notes.length > 0) return notes;
  }
  const over = agents.filter((agent) => steps.some((step) => step.agent === agent));
  const last = steps.findLast(({ agent }) => agent !== undefined)?.agent ?? 'env';
  const ends = over.length === 0 ? [last] : [...new Set([over[0] ?? last, over.at(-1) ?? last])];
  return [{ kind: 'note', over: ends, text: message, tone: 'verdict' }];
}

/** A request that waits in a mailbox, whose agent hears nothing. */
function unhandled(obligation: string, steps: readonly Step[]): Row[] {
  const [, from, to, type] = /^(.*)⇒(.*?):(.*)$/.exec(obligation) ?? [];
  if (from === undefined || to === undefined || type === undefined) return [];
  if (steps.some(({ id }) => id.startsWith(`${from}>${to}:${type}#`))) return [];
  const text = `${type}? is not heard`;
  return [{ kind: 'arrow', step: -1, from, to, text, style: 'message', isPending: true }];
}

function requestOf(obligation: string): string {
  return /⇒.*?:(.*)$/.exec(obligation)?.[1] ?? obligation;
}

/** The lanes, in the order in which somebody first does something. */
function lanesOf(rows: readonly Row[], cycle: readonly string[]): string[] {
  const lanes = new Set<string>();
  for (const row of rows) {
    if (row.kind === 'arrow') lanes.add(row.from).add(row.to);
    if (row.kind === 'note') for (const agent of row.over) lanes.add(agent);
    if (row.kind === 'restart') lanes.add(row.agent);
  }
  for (const agent of cycle) lanes.add(agent);
  return [...lanes];
}
