import { fromHandler, type Ref } from 'troupe';
import type { Scenario } from 'troupe/simulation';
import type { Pair } from './pair.ts';

type Event =
  | { type: 'go' }
  | { type: 'heartbeat' }
  | { type: 'silent' }
  | { type: 'write' }
  | { type: 'promote' }
  | { type: 'insert'; by: string; epoch: number };
interface Stored {
  readonly epoch: number;
  readonly writers: readonly string[];
}

/** A monitor promotes the backup when no heartbeat has come, and lets the primary write when one comes after that. */
const program = (fenced: boolean): Scenario => ({
  name: 'O13 a late heartbeat and two primaries',
  invariant: {
    'one writer only': (world) => new Set(world.state<Stored>('Db').writers).size <= 1,
  },
  setup({ spawn, send }) {
    const db: Ref<Event> = spawn(
      fromHandler({
        initial: (): Stored => ({ epoch: 0, writers: [] }),
        receive({ epoch, writers }: Stored, event: Event) {
          if (event.type !== 'insert') return;
          if (fenced && epoch !== 0 && epoch !== event.epoch) return;
          return { epoch: epoch || event.epoch, writers: [...writers, event.by] };
        },
      }),
      { id: 'Db' },
    );
    const backup: Ref<Event> = spawn(
      fromHandler({
        receive: (_state, _promote: Event, ctx) =>
          ctx.send(db, { type: 'insert', by: 'Bk', epoch: 2 }),
      }),
      { id: 'Bk' },
    );
    const monitor: Ref<Event> = spawn(
      fromHandler({
        start: (_state: undefined, ctx) => void ctx.after(10, { type: 'silent' }, { id: 'silent' }),
        receive(_state: undefined, event: Event, ctx) {
          if (event.type === 'heartbeat') {
            ctx.cancel('silent');
            ctx.send(primary, { type: 'write' });
          } else ctx.send(backup, { type: 'promote' });
        },
      }),
      { id: 'Mo' },
    );
    const primary: Ref<Event> = spawn(
      fromHandler({
        receive(_state, event: Event, ctx) {
          if (event.type === 'go') ctx.send(monitor, { type: 'heartbeat' });
          else ctx.send(db, { type: 'insert', by: 'Pm', epoch: 1 });
        },
      }),
      { id: 'Pm' },
    );
    send(primary, { type: 'go' });
  },
});

export const pair: Pair = {
  id: 'O13',
  title: 'a heartbeat comes after its deadline, and two write',
  expected: ['SAFETY'],
  e: 1,
  culprits: ['Db', 'Mo'],
  buggy: program(false),
  correct: program(true),
};
