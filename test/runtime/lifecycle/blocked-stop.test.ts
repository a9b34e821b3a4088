import { expect, test } from 'vitest';
import { fromHandler, type Ref } from 'troupe';
import { createTestSystem } from 'troupe/testing';

test('a stop that let a handler finish does not wait until what it sent last has room', async () => {
  await using system = createTestSystem();
  type Filled = { type: 'fill' };
  const full = system.spawn(fromHandler({ receive: (_state, _event: Filled) => undefined }), {
    mailbox: { capacityMessages: 1, overflow: 'wait' },
  });
  await system.settle();
  system.suspend(full);
  await system.settle();
  full.send({ type: 'fill' });
  let cleaned = false;
  const worker = system.spawn(
    fromHandler({
      *receive(_state: undefined, _event: { type: 'work'; to: Ref<Filled> }, ctx) {
        yield* ctx.sleep(100);
        ctx.send(full, { type: 'fill' });
      },
      stop: () => {
        cleaned = true;
      },
    }),
    { trapExit: true, shutdown: 5_000 },
  );
  worker.send({ type: 'work', to: full });
  await system.settle();
  const stopped = worker.stop();
  await system.advance(100);
  expect(await stopped).toMatchObject({ type: 'shutdown' });
  expect(cleaned).toBe(true);
  expect(system.nowMs).toBe(100);
});
