/**
 * One process that measures what a monitor costs: `node pair.js MONITOR`. The monitor is switched on
 * and off in turns, in short rounds of the same process, so that both arms run the same compiled code
 * on the same heap; a comparison of two processes differs by as much as what is looked for.
 */
import { watchForTrouble } from 'troupe';
import { Core } from '../../../runtime/core.ts';
import { median } from '../statistics.ts';
import { open as openAsk } from '../troupe/ask.ts';
import { open as openPingpong } from '../troupe/pingpong.ts';
import { openStage } from '../troupe/stage.ts';
import { MONITORS, type MonitorName } from './monitors.ts';

/** CPU time of a round; a round is short, so that what disturbs the machine disturbs both arms. */
const ROUND_NS = 20e6;
/** Of four rounds each. */
const BLOCKS = 40;
/** Blocks before the first that counts: the compiler has seen both arms. */
const WARM_UP_BLOCKS = 10;

const name = process.argv[2] as MonitorName;
const { workload } = MONITORS[name];
const stage = await openStage();
const rate = await (workload === 'ask' ? openAsk : openPingpong)(Promise.resolve(stage));

let switchOff = (): void => undefined;

/** The look for deadlocks cannot be switched off by a user: only here. Both arms pay for the switch. */
let looks = true;
if (name === 'deadlock check') {
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its core below
  const { breakDeadlock } = Core.prototype;
  const nothing: typeof breakDeadlock = () => undefined;
  Core.prototype.breakDeadlock = function (cell) {
    (looks ? breakDeadlock : nothing).call(this, cell);
  };
}

function turn(on: boolean): void {
  if (name === 'deadlock check') looks = on;
  else if (!on) switchOff();
  else switchOff = watchForTrouble(stage.system, { record: name === 'recording watchdog' });
}

async function cpuNsOf(operations: number): Promise<number> {
  const from = process.cpuUsage();
  const count = await rate(operations);
  const { user, system } = process.cpuUsage(from);
  if (count !== operations) throw new Error(`${count} operations instead of ${operations}`);
  return (user + system) * 1_000;
}

async function arm(on: boolean, operations: number): Promise<number> {
  turn(on);
  const ns = await cpuNsOf(operations);
  turn(false);
  return ns;
}

await cpuNsOf(20_000);
const operations = Math.ceil((100_000 * ROUND_NS) / (await cpuNsOf(100_000)));
const ratios: number[] = [];
const costs: number[] = [];
for (let block = -WARM_UP_BLOCKS; block < BLOCKS; block += 1) {
  // ABBA and BAAB in turns: what drifts, and what follows from coming first, is the same in both arms.
  const outer = block % 2 === 0;
  const before = await arm(outer, operations);
  const inner = (await arm(!outer, operations)) + (await arm(!outer, operations));
  const around = before + (await arm(outer, operations));
  if (block < 0) continue;
  const [on, off] = outer ? [around, inner] : [inner, around];
  ratios.push(on / off);
  costs.push(off / operations / 2);
}
process.stdout.write(JSON.stringify({ ratio: median(ratios), nsWithout: median(costs) }));
process.exit(0);
