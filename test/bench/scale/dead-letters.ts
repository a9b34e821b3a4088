import { createSystem, type Ref } from 'troupe';
import { decades, type Series } from './series.ts';

/** So many messages go to nobody; the last 1,000 are kept. */
export const deadLetters: Series = {
  name: 'dead letters',
  of: 'dead letters',
  sizes: decades(1, 100_000),
  lines: ['one more'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    const nobody = system.ref('/nobody') as Ref<{ readonly type: 'hello' }>;
    await meter('one more').time(size, () => {
      for (let i = 0; i < size; i += 1) nobody.send({ type: 'hello' });
    });
    if (system.deadLetters.total !== size) throw new Error('a dead letter was lost');
    await system.stop();
  },
};
