/**
 * O13: a late heartbeat, and two primaries.
 *
 * The monitor promotes the backup when no heartbeat has come in time. One that comes after that lets
 * the primary write all the same. The correct store keeps to the epoch that wrote first.
 */
import { fromHandler } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { direct, type Way } from './families/way.ts';
import { agent, at, stateful, type Tell } from './notation.ts';
import type { Pair } from './pair.ts';

type Insert = { readonly type: 'insert'; readonly by: string; readonly epoch: number };
interface Stored {
  readonly epoch: number;
  readonly writers: readonly string[];
}

/** The way is that from the primary to the monitor. */
export const lateHeartbeat = (fenced: boolean, way: Way = direct): Scenario => ({
  name: `O13 ${fenced ? 'correct' : 'buggy'}`,
  invariant: {
    'there is one writer': (world) => new Set(world.state<Stored>('Db').writers).size <= 1,
  },
  setup(stage) {
    const db = stage.spawn(
      stateful<Stored, Insert>({ epoch: 0, writers: [] }, (state, event) => {
        if (fenced && state.epoch !== 0 && state.epoch !== event.epoch) return state;
        return { epoch: state.epoch || event.epoch, writers: [...state.writers, event.by] };
      }),
      { id: 'Db' },
    );
    const backup = stage.spawn(
      agent<Tell<'promote'>>((_promote, ctx) =>
        ctx.send(db, { type: 'insert', by: 'Bk', epoch: 2 }),
      ),
      { id: 'Bk' },
    );
    stage.spawn(
      fromHandler({
        start: (_state: undefined, ctx) =>
          void ctx.after(10, { type: 'silence' }, { id: 'silence' }),
        receive(_state: undefined, { type }: Tell<'heartbeat' | 'silence'>, ctx) {
          ctx.cancel('silence');
          if (type === 'silence') ctx.send(backup, { type: 'promote' });
          else ctx.send(at<Tell<'write'>>(stage, 'Pm'), { type: 'write' });
        },
      }),
      { id: 'Mo' },
    );
    const monitor = way<Tell<'heartbeat'>>(stage, 'Mo');
    const primary = stage.spawn(
      agent<Tell<'go' | 'write'>>(({ type }, ctx) => {
        if (type === 'go') ctx.send(monitor, { type: 'heartbeat' });
        else ctx.send(db, { type: 'insert', by: 'Pm', epoch: 1 });
      }),
      { id: 'Pm' },
    );
    stage.send(primary, { type: 'go' });
  },
});

export const pair: Pair = {
  id: 'O13',
  title: 'a late heartbeat, and two primaries',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['Db', 'Mo'],
  buggy: lateHeartbeat(false),
  correct: lateHeartbeat(true),
};
