// What `troupe/testing` promises of a probe.
import { describe, expect, it } from 'vitest';
import { fromHandler, type ReplyTo } from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Say = { readonly type: 'say'; readonly text: string };
type Count = { readonly type: 'count'; readonly replyTo: ReplyTo<{ type: 'counted'; n: number }> };

describe('a probe', () => {
  it('expectMessage takes the oldest message, in the order of their arrival', async () => {
    const system = createTestSystem();
    const probe = system.probe<Say | { type: 'bye' }>();
    probe.ref.send({ type: 'say', text: 'a' });
    probe.ref.send({ type: 'bye' });
    expect(await probe.expectMessage('say')).toEqual({ type: 'say', text: 'a' });
    expect(probe.messages).toEqual([{ type: 'bye' }]);
    expect(await probe.expectMessage('bye')).toEqual({ type: 'bye' });
    await probe.expectNoMessage();
  });

  it('expectMessage rejects when another message is next, or none, and says what arrived', async () => {
    const system = createTestSystem();
    const probe = system.probe<Say | { type: 'bye' }>();
    await expect(probe.expectMessage('bye')).rejects.toMatchObject({
      code: 'PROBE',
      message: 'expected "bye" next; arrived: nothing',
    });
    probe.ref.send({ type: 'say', text: 'a' });
    await expect(probe.expectMessage('bye')).rejects.toMatchObject({
      fields: { expected: '"bye" next', types: ['say'] },
    });
    // It is still there.
    await probe.expectMessage('say');
  });

  it('expectNoMessage rejects when one has arrived', async () => {
    const system = createTestSystem();
    const probe = system.probe<Say>('ear');
    probe.ref.send({ type: 'say', text: 'a' });
    await expect(probe.expectNoMessage()).rejects.toMatchObject({ code: 'PROBE' });
    expect(probe.ref.path).toBe('/ear');
  });

  it('keeps a request open until the test answers it', async () => {
    const system = createTestSystem();
    const probe = system.probe<Count>();
    const asked = probe.ref.ask({ type: 'count' });
    const request = await probe.expectMessage('count');
    expect(system.requests()).toHaveLength(1);
    probe.reply(request, { type: 'counted', n: 2 });
    expect(await system.run(asked)).toEqual({ type: 'counted', n: 2 });
    expect(system.requests()).toEqual([]);
  });

  it('has the context of its agent, once the system has settled', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    expect(() => probe.context).toThrow('a settled system');
    await system.settle();
    const ref = system.spawn(fromHandler({ receive: () => undefined }));
    probe.context.monitor(ref);
    await system.crash(ref);
    expect(await probe.expectMessage('troupe.down')).toMatchObject({ reason: { type: 'crash' } });
  });
});
