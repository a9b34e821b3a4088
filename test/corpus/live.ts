/** What a program of the corpus needs to run on an ordinary system, and not in a simulation. */
import type { EventObject } from 'xstate';
import { fromHandler, type AgentContext, type System } from 'troupe';
import type { Stage } from 'troupe/simulation';
import type { Ambient } from '../../simulation/ambient.ts';

/** The first of all choices; assertions are not what is looked at here. */
export const AMBIENT: Ambient = {
  choose: () => 0,
  open: () => undefined,
  close: () => undefined,
  progress: () => undefined,
  nondeterministic: () => undefined,
  fail: (text) => {
    throw new Error(text);
  },
};

/** Code outside agents of an ordinary system. */
export function liveStage(system: System): Stage {
  return {
    system,
    at: () => {
      throw new Error('these programs have one node');
    },
    spawn: (logic, ...args) => system.spawn(logic, ...args),
    send: (to, message) => to.send(message as never),
    ask: (to, request, options) =>
      void (to as { ask(...args: unknown[]): Promise<unknown> })
        .ask(request, options)
        .catch(() => undefined),
    client: (id, run) =>
      system.spawn(
        fromHandler({
          *start(_state: undefined, ctx: AgentContext<EventObject>) {
            yield* run(ctx);
          },
          receive: () => undefined,
        } as never),
        { id },
      ),
  };
}
