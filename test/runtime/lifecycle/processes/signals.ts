// A service that would run for ever: SIGTERM stops its agents in order, then it ends by itself.
import { createSystem, fromHandler, stopOnSignals } from 'troupe';

const system = createSystem({ log: false });
const worker = (name: string) =>
  fromHandler({
    start: (_state: undefined, ctx) => void ctx.every(1_000, { type: 'tick' } as never),
    receive: () => undefined,
    stop: async (_state, _reason, ctx) => {
      await ctx.sleep(5);
      console.log(`stopped ${name}`);
    },
  });
for (const name of ['first', 'second']) await system.start(worker(name));
stopOnSignals(system, { onStopped: () => console.log('all stopped') });
console.log('ready');
