import { agentName, createSystem, fromHandler } from 'troupe';
import { decades, type Series } from './series.ts';

/** So many names are taken. */
export const names: Series = {
  name: 'names',
  of: 'names',
  sizes: decades(1, 100_000),
  lines: ['register', 'find', 'unregister'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    const ref = await system.start(fromHandler({ receive: () => undefined }));
    const keys = Array.from({ length: size }, (_, i) => agentName(`name ${i}`));
    await meter('register').time(size, () => {
      for (const key of keys) system.register(key, ref);
    });
    let found = 0;
    await meter('find').time(size, () => {
      for (const key of keys) if (system.whereis(key) === ref) found += 1;
    });
    if (found !== size) throw new Error(`${found} of ${size} names were found`);
    await meter('unregister').time(size, () => {
      for (const key of keys) system.unregister(key);
    });
    await system.stop();
  },
};
