/** `npm run bench -- monitors`: what the live monitors cost, as the ratio of with and without. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from '../statistics.ts';
import { table, time } from '../table.ts';
import { MONITORS } from './monitors.ts';

/** Processes for each: of nine, the second lowest and the second highest bound the median with 96 %. */
const PROCESSES = 9;
const BAR = 1.03;

interface Cost {
  readonly monitor: string;
  readonly workload: string;
  readonly nsWithout: number;
  /** Of the cost with the monitor to that without. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
}

const script = fileURLToPath(new URL('pair.js', import.meta.url));

function costOf(monitor: string, workload: string): Cost {
  const runs = Array.from({ length: PROCESSES }, () => {
    const out = execFileSync(process.execPath, [script, monitor], { encoding: 'utf8' });
    return JSON.parse(out) as { readonly ratio: number; readonly nsWithout: number };
  });
  const ratios = runs.map(({ ratio }) => ratio).toSorted((a, b) => a - b);
  return {
    monitor,
    workload,
    nsWithout: median(runs.map(({ nsWithout }) => nsWithout)),
    ratio: median(ratios),
    lowest: ratios[1] as number,
    highest: ratios[PROCESSES - 2] as number,
  };
}

const costs = Object.entries(MONITORS).map(([name, { workload }]) => costOf(name, workload));
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(costs, null, 2)}\n`);
else {
  const rows = costs.map(({ monitor, workload, nsWithout, ratio, lowest, highest }) => [
    monitor,
    workload,
    time(nsWithout),
    ratio.toFixed(3),
    `${lowest.toFixed(3)} to ${highest.toFixed(3)}`,
    lowest > BAR ? 'above' : highest <= BAR ? 'within' : 'unclear',
  ]);
  const head = ['monitor', 'workload', 'without', 'ratio', '96 % interval', `bar ${BAR}`];
  process.stdout.write(`${table(head, rows)}\n`);
}
