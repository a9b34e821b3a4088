// A service whose agent never finishes its cleanup: only a second signal ends it.
import { createSystem, fromHandler, stopOnSignals } from 'troupe';

const system = createSystem({ log: false });
await system.start(
  fromHandler({
    start: (_state: undefined, ctx) => void ctx.every(1_000, { type: 'tick' } as never),
    receive: () => undefined,
    stop: () => {
      console.log('stopping');
      return new Promise(() => undefined);
    },
  }),
  { shutdown: 'infinity' },
);
stopOnSignals(system);
// Without its agents' timers nothing of the system would keep the process alive.
setInterval(() => undefined, 1_000);
console.log('ready');
