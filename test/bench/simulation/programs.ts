/** What the simulator is measured on: correct programs, so that every schedule is run to its end. */
import { assign, setup } from 'xstate';
import { fromHandler, type AgentContext, type Ref } from 'troupe';
import type { Scenario } from 'troupe/simulation';

type Hop = { readonly type: 'hop'; readonly left: number };

/** So many agents in a ring; each of so many hops is a delivery. */
export function handlerRing(agents: number, starts: number, hops: number): Scenario {
  return {
    name: `${agents} handlers, ${starts * (hops + 1)} deliveries`,
    setup({ system, spawn, send }) {
      for (let at = 0; at < agents; at += 1)
        spawn(
          fromHandler({
            initial: () => 0,
            receive(count: number, { left }: Hop, ctx: AgentContext<Hop>) {
              if (left > 0)
                ctx.send(system.ref(`/A${(at + 1) % agents}`) as Ref<Hop>, {
                  type: 'hop',
                  left: left - 1,
                });
              return count + 1;
            },
          }),
          { id: `A${at}` },
        );
      for (let start = 0; start < starts; start += 1)
        send(system.ref(`/A${start}`) as Ref<Hop>, { type: 'hop', left: hops });
    },
  };
}

const machine = setup({
  types: {} as {
    context: { readonly count: number; readonly next: Ref<Hop> };
    events: Hop;
    input: { readonly next: Ref<Hop> };
  },
}).createMachine({
  context: ({ input: { next } }) => ({ count: 0, next }),
  initial: 'even',
  states: {
    even: {
      on: {
        hop: {
          target: 'odd',
          actions: [
            assign({ count: ({ context }) => context.count + 1 }),
            ({ context: { next }, event: { left } }) => {
              if (left > 0) next.send({ type: 'hop', left: left - 1 });
            },
          ],
        },
      },
    },
    odd: {
      on: {
        hop: {
          target: 'even',
          actions: [
            assign({ count: ({ context }) => context.count + 1 }),
            ({ context: { next }, event: { left } }) => {
              if (left > 0) next.send({ type: 'hop', left: left - 1 });
            },
          ],
        },
      },
    },
  },
});

/** The same ring of XState machines. */
export function machineRing(agents: number, starts: number, hops: number): Scenario {
  return {
    name: `${agents} machines, ${starts * (hops + 1)} deliveries`,
    setup({ system, spawn, send }) {
      for (let at = 0; at < agents; at += 1)
        spawn(machine, {
          id: `A${at}`,
          input: { next: system.ref(`/A${(at + 1) % agents}`) as Ref<Hop> },
        });
      for (let start = 0; start < starts; start += 1)
        send(system.ref(`/A${start}`) as Ref<Hop>, { type: 'hop', left: hops });
    },
  };
}
