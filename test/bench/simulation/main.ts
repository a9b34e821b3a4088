/**
 * `npm run bench -- simulation`: how many schedules and states a second the simulator does, in a
 * process whose heap is set as that of the `troupe` command.
 */
import { explore, type CheckOptions, type Report, type Scenario } from 'troupe/simulation';
import { expectShortLives } from '../../../cli/heap.ts';
import { handlerRing, machineRing } from './programs.ts';

/** One figure, and what it should be. */
interface Figure {
  readonly name: string;
  readonly perSecond: number;
  readonly bar: number | undefined;
}

/** How long each is measured after its warm-up. */
const MEASURED_MS = 2_000;

/** CPU milliseconds of this process, collector and compiler threads included. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Explores again and again, and says how many there were for each second of CPU time. */
function rate(scenario: Scenario, options: CheckOptions, of: (report: Report) => number): number {
  let done = 0;
  for (let ms = 0, round = 0; ms < MEASURED_MS; round += 1) {
    const startMs = cpuMs();
    const report = explore(scenario, { ...options, seed: round + 1 }) as Report;
    if (report.failure !== undefined) throw new Error(`${scenario.name}: ${report.verdict}`);
    // The first round warms up.
    if (round === 0) continue;
    ms += cpuMs() - startMs;
    done += (of(report) * 1_000) / MEASURED_MS;
    if (ms >= MEASURED_MS) return done * (MEASURED_MS / ms);
  }
  return done;
}

expectShortLives();

const schedulesOf = ({ schedules }: Report): number => schedules;
const sampled: CheckOptions = { exhaustiveMs: 0, schedules: 1_000 };
/** In the fair end the state is compared after every step. */
const hashed: CheckOptions = { ...sampled, strategy: 'fifo', stepsMax: 0 };
const plain: CheckOptions = { ...sampled, strategy: 'fifo' };

const handlers = handlerRing(4, 2, 6);
const machines = machineRing(5, 2, 14);
const long = handlerRing(5, 2, 199);

const figures: readonly Figure[] = [
  {
    name: `schedules, ${handlers.name}`,
    perSecond: rate(handlers, sampled, schedulesOf),
    bar: 10_000,
  },
  {
    name: `schedules, ${machines.name}`,
    perSecond: rate(machines, sampled, schedulesOf),
    bar: 1_500,
  },
  {
    name: `steps, ${long.name}`,
    perSecond: rate(long, { ...plain, stepsMax: 1_000, schedules: 200 }, ({ steps }) => steps),
    bar: undefined,
  },
  {
    name: 'steps, each state compared',
    perSecond: rate(long, { ...hashed, schedules: 200 }, ({ steps }) => steps),
    bar: undefined,
  },
  {
    name: 'states, exhaustive',
    perSecond: rate(
      handlerRing(4, 3, 8),
      { strategy: 'exhaustive', statesMax: 20_000 },
      ({ states }) => states,
    ),
    bar: 30_000,
  },
];

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
else
  for (const { name, perSecond, bar } of figures)
    process.stdout.write(
      `${name.padEnd(36)} ${Math.round(perSecond).toLocaleString('en').padStart(10)}/s${bar === undefined ? '' : `   bar ${bar.toLocaleString('en')}`}\n`,
    );
