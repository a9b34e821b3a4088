import { expect, test } from 'vitest';
import { sendTo, setup } from 'xstate';
import { fromHandler, here, type Budget, type Ref, type ReplyTo } from 'troupe';
import { createTestSystem } from 'troupe/testing';

test('a delayed send of a machine belongs to the task whose request it still owes', async () => {
  await using system = createTestSystem();
  const seen: { type: string; remainingMs: number; budget: Budget | undefined }[] = [];
  const worker = system.spawn(
    fromHandler({
      receive: (_state, event: { type: 'now' } | { type: 'later' }, ctx) => {
        seen.push({ type: event.type, remainingMs: ctx.remainingMs, budget: ctx.budget });
      },
    }),
  );
  type Asked = { type: 'work'; replyTo: ReplyTo<{ type: 'done' }> };
  const machine = setup({
    types: { events: {} as Asked, context: {} as { to: Ref<{ type: 'now' } | { type: 'later' }> } },
  }).createMachine({
    context: { to: worker },
    on: {
      work: {
        actions: [
          sendTo(({ context }) => context.to, { type: 'now' }),
          sendTo(({ context }) => context.to, { type: 'later' }, { delay: 100 }),
        ],
      },
    },
  });
  const asked = system
    .spawn(machine)
    .ask({ type: 'work' }, { timeoutMs: 1_000, budget: { usd: 1 } });
  asked.catch(() => undefined);
  await system.advance(200);
  expect(seen).toEqual([
    { type: 'now', remainingMs: 1_000, budget: { usd: 1 } },
    { type: 'later', remainingMs: 900, budget: { usd: 1 } },
  ]);
});

test('here().postpone() in a machine is refused and says how a state postpones', async () => {
  await using system = createTestSystem();
  const failures: unknown[] = [];
  const machine = setup({ types: { events: {} as { type: 'go' } } }).createMachine({
    on: {
      go: {
        actions: () => {
          try {
            here().postpone();
          } catch (error) {
            failures.push(error);
          }
        },
      },
    },
  });
  system.spawn(machine).send({ type: 'go' });
  await system.settle();
  expect(failures).toMatchObject([{ code: 'INVALID_OPTION', field: 'postpone' }]);
  expect(String(failures[0])).toContain('meta');
});
