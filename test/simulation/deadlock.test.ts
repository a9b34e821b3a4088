import { expect, it } from 'vitest';
import { fromHandler, type Ref, type ReplyTo } from 'troupe';
import { explore, type Scenario } from 'troupe/simulation';

type Done = { readonly type: 'done' };
type Go = { readonly type: 'go'; readonly on: boolean; readonly replyTo: ReplyTo<Done> };

/** Two agents that ask each other, and answer whatever comes of it. */
const survivors: Scenario = {
  name: 'survivors',
  setup({ system, spawn, ask }) {
    const agent = (other: string) =>
      fromHandler({
        *receive(_state: undefined, event: Go, ctx) {
          try {
            if (event.on) {
              const to = system.ref(`/${other}`) as Ref<Go>;
              yield* ctx.ask(to, { type: 'go', on: other === 'b' });
            }
          } catch {
            // It goes on as if nothing had happened.
          }
          ctx.reply(event, { type: 'done' });
        },
      });
    spawn(agent('a'), { id: 'b' });
    ask(spawn(agent('b'), { id: 'a' }), { type: 'go', on: true });
  },
};

it('is the verdict when the program survives its DeadlockError', () => {
  const { verdict, failure } = explore(survivors);
  expect(verdict).toBe('DEADLOCK');
  expect([...(failure?.violation.cycle ?? [])].sort()).toEqual(['a', 'b']);
});

type Fork = { readonly taken: boolean; readonly queue: readonly Take[] };
type Take = { readonly type: 'take'; readonly replyTo: ReplyTo<Done> };

/** Three philosophers who each take the left fork first, and say so if they are `honest`. */
const philosophers = (honest: boolean): Scenario => ({
  name: 'philosophers',
  setup({ spawn, client }) {
    const fork = fromHandler({
      initial: (): Fork => ({ taken: false, queue: [] }),
      receive({ taken, queue }, event: Take | { readonly type: 'put' }, ctx): Fork {
        if (event.type === 'take') {
          if (taken) ctx.defer(event);
          else ctx.reply(event, { type: 'done' });
          return { taken: true, queue: taken ? [...queue, event] : queue };
        }
        const [next, ...rest] = queue;
        if (next !== undefined) ctx.reply(next, { type: 'done' });
        return { taken: next !== undefined, queue: rest };
      },
    });
    const forks = [0, 1, 2].map((n) => spawn(fork, { id: `F${n}` }));
    for (const n of [0, 1, 2])
      client(`P${n}`, function* (ctx) {
        const own = [forks[n]!, forks[(n + 1) % 3]!];
        for (const one of own) {
          yield* ctx.ask(one, { type: 'take' });
          if (honest) ctx.holds(one);
        }
        for (const one of own) {
          ctx.send(one, { type: 'put' });
          if (honest) ctx.releases(one);
        }
      });
  },
});

it('over forks is one when the philosophers say what they hold', () => {
  const { verdict, failure } = explore(philosophers(true));
  expect(verdict).toBe('DEADLOCK');
  expect(failure?.violation.message).toBe(
    'P0 waits for F1, which P1 holds, P1 waits for F2, which P2 holds, P2 waits for F0, which P0 holds',
  );
  expect(failure?.violation.cycle).toEqual(['P0', 'P1', 'P2']);
  expect(failure?.violation.obligations).toEqual(['P0⇒F1:take', 'P1⇒F2:take', 'P2⇒F0:take']);
  expect(explore(philosophers(false)).verdict).toBe('STUCK');
});

it('over a resource is none when another one holds it too, and may give it back', () => {
  const never = fromHandler({ receive: (_state: undefined, event: Take, ctx) => ctx.defer(event) });
  const waiting = (isShared: boolean): Scenario => ({
    setup({ spawn, client }) {
      const keeper = spawn(never, { id: 'keeper' });
      const agent = (id: string, held: string, wanted: string): void =>
        void client(id, function* (ctx) {
          ctx.holds(held);
          ctx.wants(wanted);
          yield* ctx.ask(keeper, { type: 'take' });
        });
      if (isShared) agent('also', 'permit', 'nothing');
      agent('one', 'permit', 'key');
      agent('two', 'key', 'permit');
    },
  });
  expect(explore(waiting(false)).failure?.violation.message).toBe(
    'one waits for key, which two holds, two waits for permit, which one holds',
  );
  expect(explore(waiting(true)).verdict).toBe('STUCK');
});
