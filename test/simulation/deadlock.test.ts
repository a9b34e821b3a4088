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
