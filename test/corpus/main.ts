/** `npm run corpus`: what the simulator says of each program of the corpus, as a table or as JSON. */
import { parseArgs } from 'node:util';
import { check, type Outcome } from './check.ts';
import { BARS, HARD, find } from './families/hard-set.ts';
import { corpus } from './index.ts';
import { VARIANTS } from './pair.ts';
import { replayEverywhere } from './replays.ts';

const HELP = `npm run corpus -- [PROGRAM...] [--seed N] [--schedules N] [--json]
npm run corpus -- --hard
npm run corpus -- --replays N

Explores the programs of the corpus (all, or those named, such as D01), the buggy and the correct
one of each pair, and says what came out. Exits with 1 when a verdict is wrong.

With --hard it samples the hard set, races through many relays, and says how many schedules it takes
to find them. Exits with 1 when it takes more than it may.

With --replays it replays the tokens of all buggy programs in N fresh processes of each major of
Node. Exits with 1 when the steps of two replays differ.
`;

const COLUMNS: readonly (readonly [title: string, cell: (outcome: Outcome) => string | number])[] =
  [
    ['program', ({ program, variant }) => `${program} ${variant}`],
    ['', ({ pass }) => (pass ? 'ok' : 'WRONG')],
    ['verdict', ({ verdict }) => verdict],
    ['states', ({ states }) => states],
    ['schedules', ({ schedules }) => schedules],
    ['explanation', ({ explanation }) => explanation ?? '-'],
    ['replays', ({ replays }) => replays ?? '-'],
  ];

function table(outcomes: readonly Outcome[]): string {
  return aligned([
    COLUMNS.map(([title]) => title),
    ...outcomes.map((outcome) => COLUMNS.map(([, cell]) => String(cell(outcome)))),
  ]);
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Prints what the hard set took; whether it may. */
function printHardSet(): boolean {
  const rows = [['program', 'relays', '', 'median', 'worst']];
  let isWell = true;
  for (const [program, make] of Object.entries(HARD))
    for (const hops of [8, 16, 32]) {
      const { median, worst } = find(make(hops));
      const isOk = median <= BARS.median && worst <= BARS.worst;
      isWell &&= isOk;
      rows.push([program, `${hops}`, isOk ? 'ok' : 'SLOW', `${median}`, `${worst}`]);
    }
  process.stdout.write(`${aligned(rows)}\n`);
  return isWell;
}

function numberOf(option: string, given: string | undefined): Record<string, number> {
  if (given === undefined) return {};
  const value = Number(given);
  if (!Number.isInteger(value) || value < 0)
    throw new TypeError(`--${option} takes a whole number, and this is ${given}`);
  return { [option]: value };
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      seed: { type: 'string' },
      schedules: { type: 'string' },
      hard: { type: 'boolean', default: false },
      replays: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const { replays } = numberOf('replays', values.replays);
  if (replays !== undefined) {
    const isAlike = replayEverywhere(replays, (line) => process.stdout.write(`${line}\n`));
    if (!isAlike) process.exitCode = 1;
    return;
  }
  if (values.hard) {
    if (!printHardSet()) process.exitCode = 1;
    return;
  }
  const wanted = positionals.map((name) => name.toUpperCase());
  const unknown = wanted.filter((name) => !corpus.some(({ id }) => id === name));
  if (unknown.length > 0)
    throw new TypeError(`no program ${unknown.join(', ')} in ${corpus.map(({ id }) => id).join()}`);
  const options = {
    ...numberOf('seed', values.seed),
    ...numberOf('schedules', values.schedules),
  };
  const outcomes = corpus
    .filter(({ id }) => wanted.length === 0 || wanted.includes(id))
    .flatMap((pair) => VARIANTS.map((variant) => check(pair, variant, options).outcome));
  process.stdout.write(
    values.json ? `${JSON.stringify(outcomes, null, 2)}\n` : `${table(outcomes)}\n`,
  );
  if (outcomes.some(({ pass }) => !pass)) process.exitCode = 1;
}

try {
  main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  process.exitCode = 2;
}
