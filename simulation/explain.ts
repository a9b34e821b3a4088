/**
 * The explanation of a report: what failed, why, what happened, who had the request, and how to see
 * it again. It fits into the log of a build.
 */
import type { Case } from './case.ts';
import { idInWords, orderInWords, parseId, sender } from './event-id.ts';
import type { Failure, Minimal, Report } from './report.ts';
import type { Choice, Step } from './step.ts';
import { sliceOf } from './slice.ts';
import type { Violation } from './violation.ts';

/** What an explanation may be told. */
export interface ExplainOptions {
  /** Lines at most; default 40. */
  readonly linesMax?: number;
  /** How the case is replayed; default `npx troupe replay TOKEN`. `false` leaves it out. */
  readonly replay?: ((token: string) => string) | false;
}

/** One failing run, as far as it is known: shrunk, or as it was found. */
export interface Told {
  readonly steps: readonly Step[];
  readonly violation: Violation;
  readonly setup: Failure['setup'];
  readonly case: Pick<Case, 'constraints' | 'faults' | 'choices'> | undefined;
  readonly token: string | undefined;
}

/** The shortest run of a failure that is known. */
export function told<W>(failure: Failure<W>): Told {
  const { minimal } = failure;
  const { steps, violation, setup } = minimal ?? failure;
  const run = { steps, violation, setup, case: minimal?.case, token: minimal?.token };
  return violation.loopFrom === undefined ? run : { ...run, ...firstLap(steps, violation) };
}

/**
 * A loop is proved where a state comes again, and that may be many laps after the first. Whoever
 * reads wants the first.
 */
function firstLap(steps: readonly Step[], violation: Violation): Pick<Told, 'steps' | 'violation'> {
  const loopFrom = Math.min(violation.loopFrom ?? 0, steps.length);
  const length = steps.length - loopFrom;
  const labels = steps.map(
    ({ id, choices }) => `${withoutNumber(id)} ${choices.map(({ index }) => index).join()}`,
  );
  let from = loopFrom;
  while (length > 0 && from > 0 && labels[from - 1] === labels[from - 1 + length]) from -= 1;
  return { steps: steps.slice(0, from + length), violation: { ...violation, loopFrom: from } };
}

function withoutNumber(id: string): string {
  return id.replace(/#\d+$/, '');
}

const INDENT = '   ';
/** The longest line of an explanation, except for a token and a message of the program. */
const WIDTH = 100;

/** The text of a report, in at most 40 lines. */
export function explain<W>(report: Report<W>, options: ExplainOptions = {}): string {
  const { failure } = report;
  if (failure === undefined) return summaryOf(report);
  const { linesMax = 40, replay = (token: string) => `npx troupe replay ${token}` } = options;
  const run = told(failure);
  const command = run.token === undefined || replay === false ? undefined : replay(run.token);
  const parts = [
    ['', ...custodyOf(run)],
    ['', ...waitsOf(run.violation)],
    ['', ...loopOf(run)],
    command === undefined ? [] : ['', 'see it again:', `${INDENT}${command}`],
  ].filter((part) => part.length > 1);
  const head = [...headline(report.name, run), '', ...why(failure)];
  const used = [head, ...parts].reduce((sum, part) => sum + part.length, 0);
  const sequence = ['', ...sequenceOf(run, Math.max(linesMax - used - 2, 5))];
  const [last = []] = command === undefined ? [] : parts.splice(-1);
  const middle = parts.flat();
  const room = linesMax - head.length - sequence.length - last.length;
  const shown = middle.length <= room ? middle : [...middle.slice(0, Math.max(room - 1, 0)), '…'];
  const others = report.failures
    .slice(1)
    .flatMap((other) => ['', ...headline('beside it', told(other))]);
  return [...head, ...sequence, ...shown, ...last, ...others].join('\n');
}

/** A report without a failure, in a line or two. */
function summaryOf<W>(report: Report<W>): string {
  const { name, verdict, states, schedules, stoppedBy, warnings } = report;
  const what =
    verdict === 'PROVED'
      ? `every order of events was tried (${count(states, 'state')}), and none fails`
      : `${count(schedules, 'schedule')} tried, and none fails; that is no proof`;
  const lines = warnings.map(
    ({ verdict: kind, message }) => `${INDENT}suspected: ${kind}, ${message}`,
  );
  const seen = `${INDENT}the search of all states was ended by the bound of its ${stoppedBy}: it has seen ${count(states, 'state')}`;
  return [`${verdict} ${name}: ${what}`, ...(stoppedBy ? [seen] : []), ...lines].join('\n');
}

// ── The headline ──────────────────────────────────────────────────────────────────────────────

function headline(name: string, { violation, steps }: Told): string[] {
  const { verdict, certainty, message } = violation;
  const steady = certainty === 'proved' ? '' : ', suspected';
  const { loopFrom } = violation;
  const after =
    loopFrom === undefined
      ? `after ${count(steps.length, 'step')}`
      : `after ${count(loopFrom, 'step')}, in a loop of ${count(steps.length - loopFrom, 'step')}`;
  return [`${verdict} ${after}${steady}${' '.repeat(4)}[${name}]`, ...wrap(message, INDENT, 3)];
}

// ── Why ───────────────────────────────────────────────────────────────────────────────────────

function why<W>(failure: Failure<W>): string[] {
  const { minimal, strategy, schedule, violation } = failure;
  if (violation.verdict === 'NONDETERMINISTIC')
    return [
      'why: it depends on something outside of the simulation, such as the clock, chance, or state',
      `${INDENT}that is kept between two runs; so this is no finding about an order of events`,
    ];
  if (minimal === undefined) {
    if (strategy === 'fifo')
      return ['why: it fails in the plainest order, in which what was sent first is handled first'];
    const where =
      strategy === 'exhaustive' ? 'the exhaustive search' : `schedule ${schedule} (${strategy})`;
    return [`why: found by ${where}; not shrunk`];
  }
  const reasons = reasonsOf(minimal);
  const lines =
    reasons.length === 0
      ? ['why: it fails in the plainest order, in which what was sent first is handled first']
      : ['why: it passes when what was sent first is handled first, and fails if'];
  reasons.slice(0, 8).forEach((reason, index) => lines.push(`${INDENT}(${index + 1}) ${reason}`));
  if (reasons.length > 8) lines.push(`${INDENT}… and ${reasons.length - 8} more`);
  if (minimal.case.workload !== undefined)
    lines.push(...wrap(`with the workload ${jsonOf(minimal.case.workload)}`, INDENT, 2));
  return lines;
}

/** What sets a shrunk case apart from FIFO, one sentence each. */
export function reasonsOf<W>({ case: found, steps, setup }: Minimal<W>): string[] {
  const { fairSoon, fairOrder, lap } = found;
  const all = new Map(
    [...setup.choices, ...steps.flatMap(({ choices }) => choices)].map((c) => [c.id, c]),
  );
  return [
    ...found.constraints.map(({ before, after }) => orderInWords(before, after)),
    ...found.faults.map((id) => idInWords(parseId(id))),
    ...Object.entries(found.choices).map(([id, index]) => {
      const label = id.endsWith('#*') ? id.slice(0, -1) : undefined;
      const made = [...all.values()].find(
        (choice) => choice.index === index && label !== undefined && choice.id.startsWith(label),
      );
      return choiceInWords(id, index, all.get(id) ?? made);
    }),
    ...(fairSoon === undefined && fairOrder === undefined && lap === undefined
      ? []
      : [turnsInWords(found)]),
  ];
}

/** A loop may need no order of two events, but turns that the plainest order does not take. */
function turnsInWords({
  fairSoon,
  fairOrder = 0,
  lap,
}: Pick<Case, 'fairSoon' | 'fairOrder' | 'lap'>): string {
  if (lap !== undefined)
    return 'all links and timers take turns as in the loop below, again and again';
  const when = fairSoon === true ? 'from then on' : 'when it goes on for long';
  const how =
    fairOrder === 0 ? 'the longest unheard first' : `in another fair order (${fairOrder})`;
  return `all links and timers take turns ${when}, ${how}`;
}

function choiceInWords(id: string, index: number, choice: Choice | undefined): string {
  const option = choice === undefined ? `option ${index + 1}` : optionOf(choice);
  return `the choice ${idInWords(parseId(id))} falls on ${option}`;
}

/** What was chosen, in words: the value if it is short. */
export function optionOf({ index, count: options, option }: Choice): string {
  const text = typeof option === 'string' ? option : jsonOf(option);
  const place = `${index + 1} of ${options}`;
  return option === undefined || text.length > 30 ? `option ${place}` : `${text} (${place})`;
}

// ── What happens ──────────────────────────────────────────────────────────────────────────────

/** The causal slice, in as many lines as there are. */
function sequenceOf(run: Told, linesMax: number): string[] {
  const { steps, violation } = run;
  const { all, core } = sliceOf(steps, violation, run.case);
  const end = violation.loopFrom ?? Infinity;
  const fitting = all.length + 1 <= linesMax ? all : core;
  const before = fitting.filter((index) => index < end);
  const left = steps.length - all.length;
  const title =
    left === 0
      ? 'what happens:'
      : `what happens (${all.length} of ${count(steps.length, 'step')}; the rest has no part in it):`;
  if (before.length === 0) return ['what happens: nothing before the loop'];
  return [title, ...elided(stepLines(run, before), linesMax - 1)];
}

/** A whole run, a line for each step; of a loop, the first lap. */
export function stepByStep(
  run: Pick<Told, 'steps' | 'case'> & { readonly violation: Violation | undefined },
): string[] {
  const { violation } = run;
  if (violation?.loopFrom === undefined) return stepLines(run, [...run.steps.keys()]);
  const lap = firstLap(run.steps, violation);
  const lines = stepLines({ ...run, ...lap }, [...lap.steps.keys()]);
  lines.splice(lap.violation.loopFrom ?? 0, 0, 'and then for ever:');
  return lines;
}

/** Steps as lines: number, who, what, and what is remarkable. */
function stepLines(run: Pick<Told, 'steps' | 'case'>, indices: readonly number[]): string[] {
  const { steps } = run;
  const marks = marksOf(run);
  const width = String(steps.length).length;
  const rows = indices.map((index) => {
    const step = steps[index] as Step;
    const mark = marks.get(step.id);
    return {
      index,
      who: whoOf(step),
      what: whatOf(step),
      more: [...(mark ?? []), ...remarks(step)],
    };
  });
  const whoWidth = Math.min(Math.max(...rows.map(({ who }) => who.length)), 36);
  const whatWidth = Math.min(Math.max(...rows.map(({ what }) => what.length)), 24);
  return rows.map(({ index, who, what, more }) => {
    const line = `${INDENT}${String(index + 1).padStart(width)}  ${who.padEnd(whoWidth)}  ${what.padEnd(whatWidth)}  ${more.join('; ')}`;
    return clip(line.trimEnd());
  });
}

function whoOf({ id, agent }: Step): string {
  const event = parseId(id);
  const of = event.kind === 'fault' ? event.of : event;
  switch (of.kind) {
    case 'message':
      if (of.from === 'timer' || of.from === 'inner') return of.to;
      return `${sender(of.from)} → ${sender(of.to)}`;
    case 'answer':
      return `${sender(of.from)} → ${sender(of.to)}`;
    case 'timer':
    case 'effect':
      return of.of;
    case 'network':
      return 'network';
    default:
      return agent ?? '';
  }
}

/** What a step is, without who. */
export function whatOf(step: Step): string {
  const event = parseId(step.id);
  const of = event.kind === 'fault' ? event.of : event;
  switch (of.kind) {
    case 'message':
      return `${of.type}${step.isRequest ? '?' : ''}`;
    case 'answer':
      return `answer to ${of.type}`;
    case 'timer':
      return `timer ${timerTypeOf(step) ?? ''}`.trimEnd();
    case 'effect':
      return `${of.effect} ends`;
    case 'network':
      return of.isParted ? 'parted' : 'whole again';
    case 'waiting':
      return 'crash';
    default:
      return step.id;
  }
}

/** The event of a timer that fires. */
function timerTypeOf({ sent }: Step): string | undefined {
  const first = sent.find((id) => id.startsWith('timer>'));
  const event = first === undefined ? undefined : parseId(first);
  return event?.kind === 'message' ? event.type : undefined;
}

/** What else is to be said of a step. */
export function remarks(step: Step): string[] {
  const { kind, choices, atMs, id } = step;
  const said: string[] = [];
  if (
    kind === 'crash' ||
    kind === 'crash after' ||
    kind === 'crash waiting' ||
    kind === 'drop' ||
    kind === 'duplicate' ||
    kind === 'reorder' ||
    kind === 'cut' ||
    kind === 'late'
  )
    said.push(`FAULT: ${idInWords(parseId(id))}`);
  if (kind === 'timer') said.push(`at ${atMs} ms`);
  for (const choice of choices)
    if (choice.count > 1) said.push(`${idInWords(parseId(choice.id))}: ${optionOf(choice)}`);
  return [...said, ...notesOf(step)];
}

/** The notes of a step, without those that follow from a fault by themselves. */
export function notesOf({ kind, notes }: Step): string[] {
  if (!kind.startsWith('crash')) return [...notes];
  return notes.filter((note) => !/\bInjectedCrash\b|\(poison\)/.test(note));
}

/** What the constraints say about the events of a run: who overtakes whom. */
function marksOf({ case: found, steps }: Pick<Told, 'steps' | 'case'>): Map<string, string[]> {
  const marks = new Map<string, string[]>();
  const happened = new Set(steps.map(({ id }) => id));
  (found?.constraints ?? []).forEach(({ before, after }, index) => {
    const late = happened.has(after) ? '' : ', which is still on its way';
    marks.set(before, [
      ...(marks.get(before) ?? []),
      `(${index + 1}) overtakes ${shortOf(after)}${late}`,
    ]);
    marks.set(after, [...(marks.get(after) ?? []), `(${index + 1}) is late`]);
  });
  return marks;
}

function shortOf(id: string): string {
  const event = parseId(id);
  if (event.kind === 'message') return `\`${event.type}\` from ${sender(event.from)}`;
  if (event.kind === 'answer') return `the answer to \`${event.type}\``;
  return event.kind === 'timer' ? `the timer of ${event.of}` : idInWords(event);
}

// ── Custody, waits, loop ──────────────────────────────────────────────────────────────────────

/** Through whose hands each request went. */
function custodyOf({ steps, violation, setup }: Told): string[] {
  const lines: string[] = [];
  for (const obligation of violation.obligations) {
    const [, by = '', to = '', type = ''] = /^(.*)⇒(.*?):(.*)$/.exec(obligation) ?? [];
    if (type === '') continue;
    const way = custodyWay(steps, setup.sent, by, to, type);
    lines.push(clip(`${INDENT}\`${type}\`: ${way.join(' → ')}`));
  }
  const unique = [...new Set(lines)];
  if (unique.length === 0) return [];
  return ['who had the request:', ...elided(unique, 5)];
}

function custodyWay(
  steps: readonly Step[],
  setupSent: readonly string[],
  by: string,
  to: string,
  type: string,
): string[] {
  const prefix = `${by}>${to}:${type}#`;
  const sentAt = steps.findLastIndex(({ sent }) => sent.some((id) => id.startsWith(prefix)));
  const asked = sentAt >= 0 ? ` asks in step ${sentAt + 1}` : setupSent.length > 0 ? ' asks' : '';
  const way = [`${sender(by)}${asked}`];
  let holder = to;
  let taken = steps.findLastIndex(({ id }, index) => index >= sentAt && id.includes(prefix));
  if (taken < 0) return [...way, `waits in the mailbox of ${to}${endOf(steps, to, sentAt)}`];
  // A request that is handed on keeps its type and is sent in the step that handles it.
  const holders = new Set<string>();
  for (let hop = 0; hop < 8; hop += 1) {
    if (holders.has(holder)) return [...way, `${holder} again, and so on`];
    holders.add(holder);
    const handed = (steps[taken]?.sent ?? []).find((id) => isRequestOf(id, holder, type));
    if (handed === undefined) break;
    const next = steps.findIndex(({ id }) => id.endsWith(handed));
    way.push(`${holder} (step ${taken + 1}) hands it on`);
    const event = parseId(handed);
    holder = event.kind === 'message' ? event.to : holder;
    if (next < 0 && holders.has(holder)) return [...way, `${holder} again, and so on`];
    if (next < 0)
      return [...way, `waits in the mailbox of ${holder}${endOf(steps, holder, taken)}`];
    taken = next;
  }
  return [
    ...way,
    `${holder} takes it in step ${taken + 1}${endOf(steps, holder, taken) || ', and owes the answer'}`,
  ];
}

function isRequestOf(id: string, from: string, type: string): boolean {
  const event = parseId(id);
  return event.kind === 'message' && event.from === from && event.type === type;
}

/** Whether the agent came to its end since then. */
function endOf(steps: readonly Step[], agent: string, since: number): string {
  for (let index = Math.max(since, 0); index < steps.length; index += 1) {
    const note = steps[index]?.notes.find(
      (text) => /^(\S+) (crashed|ended)\b/.exec(text)?.[1] === agent,
    );
    if (note !== undefined) return `, and ${note.replace(/:.*/, '')} in step ${index + 1}`;
  }
  return '';
}

/** The circle of those who wait for each other, drawn. */
function waitsOf({ cycle, obligations }: Violation): string[] {
  if (cycle === undefined || cycle.length === 0) return [];
  const drawn = cycle.map((agent, index) => {
    const label = /⇒.*?:(.*)$/.exec(obligations[index] ?? '')?.[1] ?? obligations[index] ?? '';
    return `${agent} ──${label}──▶ `;
  });
  return ['who waits for whom:', ...wrap(`${drawn.join('')}${cycle[0] ?? ''}`, INDENT, 3)];
}

function loopOf(run: Told): string[] {
  const { steps, violation } = run;
  const { loopFrom } = violation;
  if (loopFrom === undefined || loopFrom >= steps.length) return [];
  const lap = Array.from({ length: steps.length - loopFrom }, (_, index) => loopFrom + index);
  return ['and then for ever:', ...elided(stepLines(run, lap), 9)];
}

// ── Text ──────────────────────────────────────────────────────────────────────────────────────

/** A number with its noun. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
}

/** Lines with the middle left out when there are too many. */
function elided(lines: readonly string[], max: number): string[] {
  if (lines.length <= max) return [...lines];
  const head = Math.ceil((max - 1) / 3);
  const tail = max - 1 - head;
  const left = lines.length - head - tail;
  return [
    ...lines.slice(0, head),
    `${INDENT}   … ${count(left, 'more line')}`,
    ...lines.slice(lines.length - tail),
  ];
}

function clip(line: string): string {
  return line.length <= WIDTH + 20 ? line : `${line.slice(0, WIDTH + 19)}…`;
}

function wrap(text: string, indent: string, linesMax: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.replaceAll(/\s+/g, ' ').split(' ')) {
    if (line !== '' && indent.length + line.length + word.length >= WIDTH) {
      lines.push(indent + line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  lines.push(indent + line);
  if (lines.length <= linesMax) return lines;
  return [...lines.slice(0, linesMax - 1), clip(`${lines[linesMax - 1] ?? ''} …`)];
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
