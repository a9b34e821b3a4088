/**
 * A group restart under every order of turns: what waits for a child that is stopped while it is
 * ending anyway still reaches its next life.
 */
import { expect, test } from 'vitest';
import { child, createSeededRandom, fromHandler, supervisor, type Ref } from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Message = { type: 'boom' } | { type: 'kept'; n: number };

test('what waits for a child survives a group restart, in whatever order two crashes and their ends come', async () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    const random = createSeededRandom(seed);
    const kept: number[] = [];
    const idle = fromHandler({ receive: () => undefined });
    const parent = fromHandler({
      start: (_state, ctx) => {
        ctx.spawn(idle, { id: 'grandchild' });
      },
      receive: (_state: undefined, event: Message) => {
        if (event.type === 'boom') throw new Error('boom');
        kept.push(event.n);
      },
    });
    const sibling = fromHandler({
      receive: (_state: undefined, event: Message) => {
        if (event.type === 'boom') throw new Error('boom');
      },
    });
    const system = createTestSystem({ pick: (ready) => Math.floor(random.float() * ready) });
    await system.run(
      system.start(
        supervisor({
          strategy: 'one_for_all',
          intensity: 50,
          children: [child({ id: 'a', logic: sibling }), child({ id: 'b', logic: parent })],
        }),
        { id: 'top' },
      ),
    );
    const a = system.ref('/top/a') as Ref<Message>;
    const b = system.ref('/top/b') as Ref<Message>;
    b.send({ type: 'boom' });
    b.send({ type: 'kept', n: 1 });
    b.send({ type: 'kept', n: 2 });
    a.send({ type: 'boom' });
    await system.advance(10);
    expect(kept, `seed ${seed}`).toEqual([1, 2]);
    await system.stop();
  }
});
