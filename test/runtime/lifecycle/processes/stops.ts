// A program with agents, timers and open asks: it stops its system and must then end by itself.
import { createSystem, fromHandler, type ReplyTo } from 'troupe';

type Event =
  { readonly type: 'tick' } | { readonly type: 'q'; readonly replyTo: ReplyTo<{ type: 'a' }> };

let ticked = (): void => undefined;
const firstTick = new Promise<void>((resolve) => (ticked = resolve));
const system = createSystem({ log: false });
const silent = system.spawn(
  fromHandler({
    receive(_state: undefined, event: Event, ctx) {
      if (event.type === 'q') ctx.defer(event);
      else ticked();
    },
    start(_state, ctx) {
      ctx.every(10, { type: 'tick' });
      ctx.after(3_600_000, { type: 'tick' });
    },
    stop: () => console.log('stop hook'),
  }),
);
await silent.started();
const asks = Promise.allSettled(
  [1, 2, 3].map(() => silent.ask({ type: 'q' }, { timeoutMs: 3_600_000 })),
);
// By then the timers are really armed, in real time.
await firstTick;
await system.stop();
for (const outcome of await asks) console.log(outcome.status);
console.log('stopped');
