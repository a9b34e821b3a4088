/** O13 as machines: the monitor waits for the heartbeat with `after`, and takes a late one as well. */
import { assign, sendTo, setup } from 'xstate';
import { here } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { at, type Tell } from '../notation.ts';
import type { Pair } from '../pair.ts';
import { pair as functions } from '../o13-late-heartbeat.ts';

type Insert = { readonly type: 'insert'; readonly by: string; readonly epoch: number };
interface Stored {
  readonly epoch: number;
  readonly writers: readonly string[];
}

const program = (fenced: boolean): Scenario => ({
  name: `O13 as machines, ${fenced ? 'correct' : 'buggy'}`,
  invariant: {
    'there is one writer': (world) => new Set(world.state<Stored>('Db').writers).size <= 1,
  },
  setup(stage) {
    const db = setup({ types: { context: {} as Stored, events: {} as Insert } }).createMachine({
      context: { epoch: 0, writers: [] },
      on: {
        insert: {
          guard: ({ context: { epoch }, event }) => !fenced || epoch === 0 || epoch === event.epoch,
          actions: assign({
            epoch: ({ context, event }) => context.epoch || event.epoch,
            writers: ({ context, event }) => [...context.writers, event.by],
          }),
        },
      },
    });
    const insert = (by: string, epoch: number) => (): void =>
      here().send(at<Insert>(stage, 'Db'), { type: 'insert', by, epoch });
    const backup = setup({ types: { events: {} as Tell<'promote'> } }).createMachine({
      on: { promote: { actions: insert('Bk', 2) } },
    });
    const write = (): void => here().send(at<Tell<'write'>>(stage, 'Pm'), { type: 'write' });
    const monitor = setup({ types: { events: {} as Tell<'heartbeat'> } }).createMachine({
      initial: 'waiting',
      states: {
        waiting: {
          after: {
            10: {
              target: 'silent',
              actions: sendTo(() => at<Tell<'promote'>>(stage, 'Bk'), { type: 'promote' }),
            },
          },
          on: { heartbeat: { target: 'heard', actions: write } },
        },
        silent: { on: { heartbeat: { actions: write } } },
        heard: {},
      },
    });
    const primary = setup({ types: { events: {} as Tell<'go' | 'write'> } }).createMachine({
      on: {
        go: { actions: sendTo(() => at<Tell<'heartbeat'>>(stage, 'Mo'), { type: 'heartbeat' }) },
        write: { actions: insert('Pm', 1) },
      },
    });
    stage.spawn(db, { id: 'Db' });
    stage.spawn(backup, { id: 'Bk' });
    stage.spawn(monitor, { id: 'Mo' });
    stage.send(stage.spawn(primary, { id: 'Pm' }), { type: 'go' });
  },
});

export const pair: Pair = { ...functions, buggy: program(false), correct: program(true) };
