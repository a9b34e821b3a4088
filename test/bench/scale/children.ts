import {
  child,
  createSystem,
  dynamicSupervisor,
  fromHandler,
  startChild,
  supervisor,
  type Ref,
} from 'troupe';
import { Completion } from '../workload.ts';
import { SAMPLE, decades, later, type Series } from './series.ts';

type Crash = { readonly type: 'crash' };

const logicOf = (up: () => void) =>
  fromHandler({
    start: () => up(),
    receive(_: undefined, event: Crash) {
      throw new Error(event.type);
    },
  });

/** The children of one supervisor, which it was given at its start. */
export const children: Series = {
  name: 'children of a supervisor',
  of: 'children',
  sizes: decades(1, 10_000),
  lines: ['start', 'crash to up', 'stop'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    let ups = 0;
    const logic = logicOf(() => (ups += 1));
    const specs = Array.from({ length: size }, (_, i) => child({ id: `c${i}`, logic }));
    let top: Ref | undefined;
    await meter('start').time(size, async () => {
      top = await system.start(supervisor({ children: specs, intensity: 1e6 }), { id: 'top' });
    });
    // The newest ones: a search from the oldest on has the farthest way to them.
    const crashing = Math.min(size, SAMPLE);
    const refs = specs.slice(-crashing).map(({ id }) => system.ref(`/top/${id}`) as Ref<Crash>);
    await meter('crash to up').time(crashing, async () => {
      for (const ref of refs) ref.send({ type: 'crash' });
      while (ups < size + crashing) await later();
    });
    await meter('stop').time(size, () => top?.stop());
    await system.stop();
  },
};

/** The children of a dynamic supervisor, started and ended one by one. */
export const dynamicChildren: Series = {
  name: 'children of a dynamic supervisor',
  of: 'children',
  sizes: decades(1, 10_000),
  lines: ['start', 'end', 'stop all'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    const logic = fromHandler({
      receive(_: undefined, __: Crash, ctx) {
        ctx.stop();
      },
    });
    const pool = await system.start(dynamicSupervisor());
    const start = async (id: string): Promise<Ref<Crash>> =>
      startChild(pool, child({ id, logic, restart: 'temporary' }));
    const refs: Ref<Crash>[] = [];
    await meter('start').time(size, async () => {
      for (let i = 0; i < size; i += 1) refs.push(await start(`c${i}`));
    });
    const ending = Math.min(size, SAMPLE);
    const alive = system.stats().agents;
    await meter('end').time(ending, async () => {
      for (const ref of refs.slice(-ending)) ref.send({ type: 'crash' });
      while (system.stats().agents > alive - ending) await later();
    });
    await meter('stop all').time(Math.max(1, size - ending), () => pool.stop());
    await system.stop();
  },
};

/** One child that crashes again and again, under a supervisor that allows it. */
export const restarts: Series = {
  name: 'restarts in the window',
  of: 'restarts',
  sizes: [10, 100, 1_000, 10_000, 20_000],
  lines: ['one more restart'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    const completion = new Completion();
    let left = 0;
    // Each life is the next one's executioner: nothing of ours runs between them.
    const logic = logicOf(() => {
      if (left === 0) return;
      left -= 1;
      if (left === 0) completion.done(size);
      else ref.send({ type: 'crash' });
    });
    const specs = [child({ id: 'c', logic })];
    await system.start(supervisor({ children: specs, intensity: 1e6, periodMs: 1e6 }), {
      id: 'top',
    });
    const ref = system.ref('/top/c') as Ref<Crash>;
    const crash = (times: number): Promise<number> =>
      completion.after(() => {
        left = times;
        ref.send({ type: 'crash' });
      });
    await crash(size);
    await meter('one more restart').time(SAMPLE, () => crash(SAMPLE));
    await system.stop();
  },
};
