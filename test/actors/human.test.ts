/** A human's inbox: one claims, one answers, and who asked is told once. */
import {
  inbox,
  guard,
  guardedAction,
  perform,
  type InboxRef,
  type Outcome,
  type Question,
} from 'troupe/actors';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

let system: TestSystem;
let desk: InboxRef;
let outcomes: Outcome[];
beforeEach(() => {
  system = createTestSystem();
  desk = system.spawn(inbox({ expiryMs: 10_000 }), { id: 'desk' });
  outcomes = [];
});

async function wants(goal: string, options: { deadlineMs?: number; signal?: AbortSignal } = {}) {
  void perform(system, desk, { goal, input: { page: 1 } }, options).then((it) => outcomes.push(it));
  await system.settle();
}
const list = async () => (await system.run(desk.ask({ type: 'list' }))).questions;
const claim = (id: string, by: string) => system.run(desk.ask({ type: 'claim', id, by }));
const answer = (id: string, by: string, more: object = {}) =>
  system.run(desk.ask({ type: 'answer', id, by, ...more }));

describe('a question', () => {
  it('waits until one has claimed and answered it, and is the output of the task', async () => {
    await wants('read it');
    expect(await list()).toMatchObject([
      { id: 'q1', kind: 'task', about: 'read it', content: { page: 1 } },
    ]);
    expect(await answer('q1', 'ada', { output: 'fine' })).toMatchObject({
      isYours: false,
      reason: 'claim it first',
    });
    expect(await claim('q1', 'ada')).toMatchObject({ isYours: true });
    expect(await answer('q1', 'ada', { output: 'fine' })).toMatchObject({ isYours: true });
    await system.settle();
    expect(outcomes).toMatchObject([{ status: 'done', output: 'fine' }]);
    expect(await list()).toEqual([]);
  });

  it('has one claim: nobody else gets it, and the same person may claim it again', async () => {
    await wants('read it');
    await claim('q1', 'ada');
    expect(await claim('q1', 'bob')).toMatchObject({
      isYours: false,
      reason: 'ada has claimed it',
    });
    expect(await answer('q1', 'bob', { output: 'no' })).toMatchObject({ isYours: false });
    expect(await claim('q1', 'ada')).toMatchObject({ isYours: true });
    expect((await list())[0]).toMatchObject({ claimedBy: 'ada' });
  });

  it('is answered once: the same answer again changes nothing, and another is told who was first', async () => {
    await wants('read it');
    await claim('q1', 'ada');
    await answer('q1', 'ada', { output: 1 });
    expect(await answer('q1', 'ada', { output: 2 })).toMatchObject({ isYours: true });
    expect(await answer('q1', 'bob', { output: 3 })).toMatchObject({
      isYours: false,
      reason: 'ada has answered it',
    });
    await system.settle();
    expect(outcomes).toMatchObject([{ output: 1 }]);
  });

  it('is rejected with a reason only, which is that of the failure', async () => {
    await wants('read it');
    await claim('q1', 'ada');
    const no = { isApproved: false };
    expect(await answer('q1', 'ada', no)).toMatchObject({
      isYours: false,
      reason: 'a rejection has a reason',
    });
    await answer('q1', 'ada', { ...no, reason: 'too long' });
    await system.settle();
    expect(outcomes).toMatchObject([
      { failure: { kind: 'approvalRejected', message: 'too long' } },
    ]);
  });

  it('expires, and who asked is told', async () => {
    await wants('read it');
    await system.advance(10_000);
    expect(outcomes).toMatchObject([{ failure: { kind: 'approvalExpired' } }]);
    expect(await claim('q1', 'ada')).toMatchObject({
      isYours: false,
      reason: expect.stringMatching(/expired/),
    });
  });

  it('is gone with who asked', async () => {
    const abort = new AbortController();
    await wants('read it', { signal: abort.signal });
    expect(await list()).toHaveLength(1);
    abort.abort('enough');
    await system.settle();
    expect(await list()).toEqual([]);
  });
});

it('serves a guard as its approver', async () => {
  const refund = guardedAction({
    effectClass: 'spend',
    args: z.object({ amount: z.number() }),
    watches: (world: object) => world,
    effect: async ({ amount }) => `refunded ${amount}`,
  });
  const bank = system.spawn(
    guard({
      state: {},
      actions: { refund },
      approver: desk as never,
      policy: {
        version: '1',
        rules: [{ id: 'large', rule: () => ({ decision: 'escalate', reason: 'more than 50' }) }],
      },
    }),
  );
  const ask = (amount: number) => bank.ask({ type: 'perform.refund', args: { amount } });
  const decide = async (isApproved: boolean, reason: string) => {
    await system.settle();
    const [{ id, ...shown }] = (await list()) as [Question];
    expect(shown).toMatchObject({ kind: 'approval', about: 'refund', reason: 'more than 50' });
    await claim(id, 'ada');
    await answer(id, 'ada', { isApproved, reason });
  };
  const first = ask(80);
  await decide(true, 'fine');
  expect(await system.run(first)).toMatchObject({ ruling: 'performed', result: 'refunded 80' });
  const second = ask(90);
  await decide(false, 'too much');
  expect(await system.run(second)).toMatchObject({ ruling: 'rejected', reason: 'too much' });
});
