/** The command line: what it says, and what is wrong with it. */
import { parseArgs } from 'node:util';
import { CONTENDERS, type Contender } from './contenders.ts';
import { WORKLOADS, type Workload } from './workload.ts';

/** The command line asks for what cannot be: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export type Options = ReturnType<typeof parseArguments>;

export const HELP = `Usage: npm run bench -- [options] [WORKLOAD...]
       npm run bench -- scale [--svg FILE] [--json]
       npm run bench -- simulation [--json]
       npm run bench -- monitors [--json]
       npm run bench -- stalled [--json]

Measures troupe against its peers, in turns and in one process each. A WORKLOAD is a name
or how names begin (\`fork\`); without one: all of them.

  ${WORKLOADS.slice(0, 6)
    .map(({ name }) => name)
    .join(', ')},
  ${WORKLOADS.slice(6)
    .map(({ name }) => name)
    .join(', ')}

  --contenders A,B   only these: ${CONTENDERS.slice(0, 6)
    .map(({ name }) => name)
    .join(', ')},
                     ${CONTENDERS.slice(6)
                       .map(({ name }) => name)
                       .join(', ')}
  --rounds N         rounds of each contender after the warm-up (7)
  --json             print one array instead: { workload, contender, unit, rounds, median }
  --out FILE         where the same is written too (dist/test/bench/results.json)
  --cpu-prof FOLDER  write a CPU profile of each contender of Node
  --svg FILE         with \`scale\`: draw the costs
  --help             print this

Exit codes: 0 it has run, 1 it failed, 2 misuse.
`;

const KNOWN = {
  contenders: { type: 'string' },
  rounds: { type: 'string', default: '7' },
  json: { type: 'boolean', default: false },
  out: { type: 'string', default: 'dist/test/bench/results.json' },
  'cpu-prof': { type: 'string' },
  svg: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

export function parseArguments(args: readonly string[]) {
  const { values, positionals } = split([...args]);
  const scale = positionals.includes('scale');
  const alone = (['simulation', 'monitors', 'stalled'] as const).find((name) =>
    positionals.includes(name),
  );
  if (alone !== undefined && positionals.length > 1) {
    throw new UsageError(
      `${alone} runs alone, without ${positionals.find((name) => name !== alone)}`,
    );
  }
  if (scale && positionals.length > 1) {
    throw new UsageError(
      `scale runs alone, without ${positionals.find((name) => name !== 'scale')}`,
    );
  }
  if (!scale && values.svg !== undefined) throw new UsageError('--svg is for scale alone');
  for (const option of ['svg', 'out', 'cpu-prof', 'contenders'] as const) {
    if (values[option] === '') throw new UsageError(`--${option} must not be empty`);
  }
  return {
    scale,
    alone,
    workloads: scale || alone !== undefined ? [] : chooseWorkloads(positionals),
    contenders: chooseContenders(values.contenders),
    rounds: wholeNumber('--rounds', values.rounds, 1_000),
    json: values.json,
    out: values.out,
    profileTo: values['cpu-prof'],
    svg: values.svg,
    help: values.help,
  };
}

function split(args: string[]) {
  try {
    return parseArgs({ args, options: KNOWN, allowPositionals: true });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function chooseWorkloads(beginnings: readonly string[]): Workload[] {
  for (const beginning of beginnings) {
    if (beginning !== '' && WORKLOADS.some(({ name }) => name.startsWith(beginning))) continue;
    const known = [...WORKLOADS.map(({ name }) => name), 'scale'].join(', ');
    throw new UsageError(`no workload begins with "${beginning}"; there are ${known}`);
  }
  return WORKLOADS.filter(
    ({ name }) => beginnings.length === 0 || beginnings.some((each) => name.startsWith(each)),
  );
}

function chooseContenders(list: string | undefined): Contender[] {
  if (list === undefined) return [...CONTENDERS];
  const chosen = list.split(',');
  for (const given of chosen) {
    if (CONTENDERS.some(({ name }) => name === given)) continue;
    const known = CONTENDERS.map(({ name }) => name).join(', ');
    throw new UsageError(`--contenders: there is no "${given}"; there are ${known}`);
  }
  return CONTENDERS.filter(({ name }) => chosen.includes(name));
}

function wholeNumber(option: string, given: string, max: number): number {
  const number = Number(given);
  if (/^\d+$/.test(given) && number >= 1 && number <= max) return number;
  throw new UsageError(`${option} must be a whole number from 1 to ${max}, not "${given}"`);
}
