import { assign, sendTo, setup, type AnyActorRef } from 'xstate';

type Link = { readonly type: 'link'; readonly peer: AnyActorRef };

/** Ping and pong as machines; each is told its peer by a `link`. */
export function machines(done: (count: number) => void) {
  const pong = setup({
    types: {
      context: {} as { peer: AnyActorRef | undefined },
      events: {} as Link | { type: 'ping'; number: number },
    },
  }).createMachine({
    context: { peer: undefined },
    on: {
      link: { actions: assign({ peer: ({ event }) => event.peer }) },
      ping: {
        actions: sendTo(
          ({ context }) => context.peer!,
          ({ event }) => ({ type: 'pong', number: event.number }),
        ),
      },
    },
  });
  const ping = setup({
    types: {
      context: {} as { peer: AnyActorRef | undefined; rounds: number },
      events: {} as Link | { type: 'start'; rounds: number } | { type: 'pong'; number: number },
    },
  }).createMachine({
    context: { peer: undefined, rounds: 0 },
    initial: 'idle',
    on: { link: { actions: assign({ peer: ({ event }) => event.peer }) } },
    states: {
      idle: {
        on: {
          start: {
            target: 'playing',
            actions: [
              assign({ rounds: ({ event }) => event.rounds }),
              sendTo(({ context }) => context.peer!, { type: 'ping', number: 1 }),
            ],
          },
        },
      },
      playing: {
        on: {
          pong: [
            {
              guard: ({ context, event }) => event.number < context.rounds,
              actions: sendTo(
                ({ context }) => context.peer!,
                ({ event }) => ({ type: 'ping', number: event.number + 1 }),
              ),
            },
            { target: 'idle', actions: ({ event }) => done(event.number) },
          ],
        },
      },
    },
  });
  return { ping, pong };
}
