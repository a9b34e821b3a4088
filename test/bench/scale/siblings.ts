import { createSystem, fromHandler, type Ref } from 'troupe';
import { SAMPLE, decades, type Series } from './series.ts';

/** One parent has so many children by `ctx.spawn`; what does the end of one cost? */
export const siblings: Series = {
  name: 'siblings',
  of: 'siblings',
  sizes: decades(1, 10_000),
  lines: ['spawn', 'stop of one', 'stop with the parent'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    const leaf = fromHandler({ receive: () => undefined });
    let refs: Ref[] = [];
    const spawning = fromHandler({
      start(_: undefined, ctx) {
        refs = Array.from({ length: size + SAMPLE }, () => ctx.spawn(leaf) as unknown as Ref);
      },
      receive: () => undefined,
    });
    let parent: Ref | undefined;
    await meter('spawn').time(size + SAMPLE, async () => {
      parent = (await system.start(spawning)) as unknown as Ref;
      await refs.at(-1)?.started();
    });
    await meter('stop of one').time(SAMPLE, () =>
      Promise.all(refs.slice(0, SAMPLE).map((ref) => ref.stop())),
    );
    await meter('stop with the parent').time(size, () => parent?.stop());
    await system.stop();
  },
};
