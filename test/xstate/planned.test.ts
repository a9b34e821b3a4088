/**
 * Planned transitions are proven equal to XState's, event by event, over generated machines:
 * value, context, status, output, tags, active states and their order, the ordered log of guards
 * and actions, and what was emitted. `TROUPE_RUNS` makes it many more.
 */
import fc from 'fast-check';
import { SimulatedClock, createActor, type AnyActorLogic, type AnyStateMachine } from 'xstate';
import { expect, test, vi } from 'vitest';
import { planTransitions } from '../../runtime/xstate/plan.ts';
import { EVENTS, build, machineSpec, type MachineSpec } from './generated-machine.ts';

/** One seed in CI, so that every run proves the same machines; a soak draws another, and prints it first. */
const SOAK = process.env['TROUPE_RUNS'] !== undefined;
const SEED = Number(process.env['TROUPE_SEED'] ?? (SOAK ? Date.now() % 2 ** 31 : 1));
// A run that exhausts the memory says nothing more: its seed must be out before.
if (SOAK) process.stderr.write(`planned transitions: seed ${SEED}\n`);
const RUNS = Number(process.env['TROUPE_RUNS'] ?? 1) * 5_000;

interface Seen {
  readonly snapshots: unknown[];
  readonly log: readonly string[];
}

type Transit = ReturnType<typeof planTransitions>['transition'];

/** More than any machine logs that comes to an end; what does not is reported before the memory is full. */
const LOG_MAX = 20_000;

/** The log of one run. Beyond its bound it throws, which ends a macrostep that does not end by itself. */
class Log extends Array<string> {
  get isFull(): boolean {
    return this.length > LOG_MAX;
  }

  override push(line: string): number {
    const { length } = this;
    if (length > LOG_MAX) throw new Error('The log is full.');
    return super.push(line);
  }
}

/**
 * How many events there were, how many of them were left to XState, and how many of a machine that has
 * more states than it may have plans for; and what machines got into.
 */
const counts = {
  events: 0,
  left: 0,
  beyond: 0,
  parallel: 0,
  done: 0,
  error: 0,
  invoking: 0,
  history: 0,
};

/** Lets plans run in front of the machine's own transitions. */
function plan(machine: AnyStateMachine, configurationsMax: number | undefined): AnyStateMachine {
  const planned = machine.provide({}) as unknown as AnyActorLogic & { transition: Transit };
  const { transition: transit } = planned;
  planned.transition = (...args) => {
    counts[configurationsMax === undefined ? 'left' : 'beyond'] += 1;
    return transit(...args);
  };
  const nobody = { selected: () => undefined, moved: () => undefined };
  const { transition, getInitialSnapshot } = planTransitions(planned, nobody, configurationsMax);
  const counted: Transit = (...args) => {
    counts.events += 1;
    return transition(...args);
  };
  return Object.assign(planned, {
    transition: counted,
    getInitialSnapshot,
  }) as unknown as AnyStateMachine;
}

/** Runs a machine through events and time, and notes all that can be seen of it. */
async function run(
  spec: MachineSpec,
  events: readonly string[],
  planned: boolean,
  configurationsMax?: number,
): Promise<Seen> {
  const log = new Log();
  const snapshots: unknown[] = [];
  const machine = build(spec, log);
  const clock = new SimulatedClock();
  const actor = createActor(planned ? plan(machine, configurationsMax) : machine, { clock });
  const listen = (line: string): void => {
    // XState throws what a listener throws where nobody can catch it.
    if (!log.isFull) log.push(line);
  };
  actor.subscribe({ error: (error) => listen(`error ${(error as Error).message}`) });
  actor.on('*', (emitted) => listen(`emitted ${JSON.stringify(emitted)}`));
  const note = (): void => {
    if (log.isFull) {
      const whose = planned ? 'plan' : 'machine in plain XState';
      throw new Error(`The ${whose} does not end; last: ${log.slice(-20).join('; ')}`);
    }
    const snapshot = actor.getSnapshot() as {
      status: string;
      value: unknown;
      context: unknown;
      output: unknown;
      tags: Set<string>;
      children: Record<string, unknown>;
      _nodes: { id: string }[];
      historyValue: Record<string, { id: string }[]>;
    };
    const {
      status,
      value,
      context,
      output,
      tags,
      children,
      _nodes: nodes,
      historyValue,
    } = snapshot;
    const regions = JSON.stringify(value);
    if (planned) {
      if (regions.includes(',')) counts.parallel += 1;
      if (Object.keys(children).length > 0) counts.invoking += 1;
      if (Object.keys(historyValue).length > 0) counts.history += 1;
    }
    snapshots.push({
      status,
      value,
      // The order of regions is that in which they are asked for their transitions.
      regions,
      context,
      output,
      tags: [...tags].sort(),
      children: Object.keys(children).sort(),
      nodes: nodes.map(({ id }) => id),
      history: Object.entries(historyValue).map(([id, kept]) => [id, kept.map((node) => node.id)]),
    });
  };
  actor.start();
  note();
  for (const type of events) {
    if (type === 'time') clock.increment(6);
    else if (type === 'promises') await Promise.resolve();
    else if (actor.getSnapshot().status === 'active') actor.send({ type });
    note();
  }
  actor.stop();
  return { snapshots, log };
}

const events = fc.array(fc.constantFrom(...EVENTS, 'nobody', 'time', 'promises'), {
  minLength: 10,
  maxLength: 60,
});

/** Mostly none; with few, a machine goes back and forth between its plans and XState. */
const limit = fc.constantFrom(undefined, undefined, undefined, 1, 3);

// XState's development build warns of each event to an actor that has ended.
vi.spyOn(console, 'warn').mockImplementation(() => undefined);

test(
  'a planned machine and the same machine in plain XState are equal, event by event',
  { timeout: RUNS * 60 },
  async () => {
    await fc.assert(
      fc.asyncProperty(machineSpec, events, limit, async (spec, sequence, max) => {
        const plain = await run(spec, sequence, false);
        const planned = await run(spec, sequence, true, max);
        expect(planned).toEqual(plain);
        const { status } = planned.snapshots.at(-1) as { status: string };
        if (status === 'done' || status === 'error') counts[status] += 1;
      }),
      { numRuns: RUNS, seed: SEED },
    );
    if (SOAK) process.stderr.write(`planned transitions: ${JSON.stringify(counts)}\n`);
    // The proof is worth something only for machines that get somewhere, by plans alone.
    expect(counts.events).toBeGreaterThan(RUNS * 10);
    expect(counts.left).toBe(0);
    expect(counts.beyond).toBeGreaterThan(RUNS / 2);
    expect(counts.parallel).toBeGreaterThan(RUNS);
    expect(counts.invoking).toBeGreaterThan(RUNS * 2);
    expect(counts.history).toBeGreaterThan(RUNS / 2);
    expect(counts.done).toBeGreaterThan(RUNS / 50);
    expect(counts.error).toBeGreaterThan(RUNS / 10);
  },
);
