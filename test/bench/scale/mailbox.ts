import { createSystem, fromHandler } from 'troupe';
import { decades, later, type Series } from './series.ts';

type Add = { readonly type: 'add'; readonly amount: number };

/** So many messages wait at one agent before it takes the first. */
export const mailbox: Series = {
  name: 'mailbox depth',
  of: 'messages',
  sizes: decades(1, 100_000),
  lines: ['send and handle'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    let count = 0;
    const logic = fromHandler({
      receive(_: undefined, { amount }: Add) {
        count += amount;
      },
    });
    const ref = await system.start(logic, { mailbox: { capacityMessages: size } });
    const waves = Math.max(1, 1_000 / size);
    await meter('send and handle').time(size * waves, async () => {
      for (let wave = 1; wave <= waves; wave += 1) {
        for (let i = 0; i < size; i += 1) ref.send({ type: 'add', amount: 1 });
        while (count < size * wave) await later();
      }
    });
    if (system.deadLetters.total > 0) throw new Error('a message was refused');
    await system.stop();
  },
};
