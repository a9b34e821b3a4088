import { createSystem, fromHandler, type Ref } from 'troupe';
import { decades, later, type Series } from './series.ts';

type Add = { readonly type: 'add'; readonly amount: number };

/** Agents side by side: idle up to 100,000, and all of them busy up to 10,000. */
export const agents: Series = {
  name: 'agents',
  of: 'agents',
  sizes: decades(1, 100_000),
  lines: ['start', 'message', 'stop'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    let count = 0;
    const logic = fromHandler({
      receive(_: undefined, { amount }: Add) {
        count += amount;
      },
    });
    const refs: Ref<Add>[] = [];
    await meter('start').time(size, async () => {
      for (let i = 0; i < size; i += 1) refs.push(system.spawn(logic));
      await refs.at(-1)?.started();
    });
    if (size <= 10_000) {
      const messages = Math.max(size, 1_000);
      await meter('message').time(messages, async () => {
        for (let i = 0; i < messages; i += 1) refs[i % size]!.send({ type: 'add', amount: 1 });
        while (count < messages) await later();
      });
    }
    await meter('stop').time(size, () => system.stop());
  },
};
