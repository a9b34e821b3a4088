import { createSystem, fromHandler, type AgentContext, type Ref } from 'troupe';
import { SAMPLE, decades, type Series } from './series.ts';

type Event =
  | { readonly type: 'do'; readonly act: (ctx: AgentContext<Event>) => void }
  | { readonly type: 'tick' };

const FAR_MS = 3_600_000;

/** So many timers are armed; what does one more cost, and the end of an agent beside them? */
export const timers: Series = {
  name: 'timers',
  of: 'timers',
  sizes: decades(1, 100_000),
  lines: ['arm', 'cancel', 'stop of an agent with one'],
  async run(size, meter) {
    const system = createSystem({ log: false });
    const logic = fromHandler({
      receive(_: undefined, event: Event, ctx) {
        if (event.type === 'do') event.act(ctx);
      },
    });
    const ref: Ref<Event> = await system.start(logic);
    const act = (work: (ctx: AgentContext<Event>) => void): Promise<void> =>
      new Promise((resolve) => {
        const done = (ctx: AgentContext<Event>): void => {
          work(ctx);
          resolve();
        };
        ref.send({ type: 'do', act: done });
      });
    await meter('arm').time(size, () =>
      act((ctx) => {
        for (let i = 0; i < size; i += 1) ctx.after(FAR_MS + i, { type: 'tick' }, { id: `${i}` });
      }),
    );
    const others: Ref<Event>[] = [];
    for (let i = 0; i < SAMPLE; i += 1) {
      const other: Ref<Event> = system.spawn(logic);
      other.send({ type: 'do', act: (ctx) => void ctx.after(FAR_MS / 2, { type: 'tick' }) });
      others.push(other);
    }
    // What the collector does about so many new timers is not the stop's.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await meter('stop of an agent with one').time(SAMPLE, () =>
      Promise.all(others.map((other) => other.stop())),
    );
    await meter('cancel').time(size, () =>
      act((ctx) => {
        for (let i = 0; i < size; i += 1) ctx.cancel(`${i}`);
      }),
    );
    await system.stop();
  },
};
