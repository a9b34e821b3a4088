/** The receiver's part of a handoff: what it checks, and that it begins each once. */
import { fromHandler, type AnyRef } from 'troupe';
import {
  handoffOf,
  performer,
  seat,
  type Handoff,
  type OfferAnswer,
  type SeatOptions,
  type SeatRef,
  type Task,
} from 'troupe/actors';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

let system: TestSystem;
let begun: number;
let boss: AnyRef;
beforeEach(() => {
  system = createTestSystem();
  begun = 0;
  boss = system.spawn(fromHandler({ receive: () => undefined }));
});

const work = performer('work', function* (task: Task<{ page: number }>, run) {
  begun += 1;
  yield* run.sleep(100);
  return { page: task.input.page, from: handoffOf(task)?.from };
});
const seated = (options: SeatOptions = {}): SeatRef => system.spawn(seat(work, options));
const frame = { agent: 'b', taskId: 't', move: 'transfer', reason: 'x', atMs: 0 } as const;
const handoff: Handoff = {
  v: 1,
  id: 't.h1',
  conversationId: 't',
  from: 'a',
  to: 'b',
  move: 'transfer',
  reason: 'x',
  goal: 'read',
  task: { page: 1 },
  state: { done: [], remaining: [] },
  results: [],
  user: {},
  decisions: [],
  failedApproaches: [],
  openQuestions: [],
  assumptions: [],
  history: { messages: [], omitted: 0 },
  chain: [{ ...frame, fingerprint: '', version: '', isDeclared: false }],
  returnTo: [],
  hops: { used: 1, limit: 3 },
  remainingMs: 1_000,
  budget: { calls: 5, tokens: 10 },
  grants: undefined,
  labels: [],
};
const offer = (to: SeatRef, more: Partial<Handoff> = {}): Promise<OfferAnswer> =>
  system.run(to.ask({ type: 'offer', handoff: { ...handoff, ...more }, validMs: 50 }));
const commit = (to: SeatRef) =>
  to.ask({
    type: 'task',
    task: { id: 't.h1', goal: 'read', input: handoff },
    by: boss,
    timeoutMs: 1_000,
  });

it('accepts, and begins at the commit', async () => {
  const to = seated();
  expect(await offer(to)).toEqual({ type: 'accepted' });
  expect(begun).toBe(0);
  const { outcome } = await system.run(commit(to));
  expect(outcome).toMatchObject({
    status: 'done',
    output: { type: 'ended', outcome: { status: 'done', output: { page: 1, from: 'a' } } },
  });
});

describe('an offer is rejected, and nothing begins, when', () => {
  it.each<[string, Partial<Handoff>, RegExp]>([
    ['its task does not fit', { task: { page: 'one' } }, /page/],
    ['its budget is used up', { budget: { tokens: 0 } }, /budget tokens: 0 is left/],
    ['its deadline has passed', { remainingMs: 0 }, /deadline has passed/],
    ['its hops are used up', { hops: { used: 4, limit: 3 } }, /4 of 3 hops are used/],
    ['its chain ends with another', { chain: [] }, /chain does not end with the receiver/],
    ['it grants too little', { grants: ['read'] }, /needs refund/],
    ['it is of another version', { v: 2 as never }, /version 2/],
  ])('%s', async (_, more, reason) => {
    const to = seated({ accepts: z.object({ page: z.number() }), needs: ['refund'], suggest: 'c' });
    const answer = await offer(to, more);
    expect(answer).toMatchObject({
      type: 'rejected',
      reason: expect.stringMatching(reason),
      suggest: 'c',
    });
    const { outcome } = await system.run(commit(to));
    expect(outcome).toMatchObject({ output: { type: 'refused' } });
    expect(begun).toBe(0);
  });
});

it('answers an offer that comes twice as the first time', async () => {
  const to = seated();
  expect(await offer(to)).toEqual({ type: 'accepted' });
  expect(await offer(to, { task: 'something else' })).toEqual({ type: 'accepted' });
});

it('begins once what is committed twice, and answers both, during the work and after', async () => {
  const to = seated();
  await offer(to);
  const first = commit(to);
  await system.advance(10);
  const second = commit(to);
  const answers = await system.run(Promise.all([first, second]));
  const third = await system.run(commit(to));
  expect(answers[1]).toEqual(answers[0]);
  expect(third).toEqual(answers[0]);
  expect(begun).toBe(1);
});

it('refuses what was never accepted, and an acceptance that has expired', async () => {
  const to = seated();
  expect((await system.run(commit(to))).outcome).toMatchObject({
    output: { type: 'refused', reason: 'it was not accepted' },
  });
  await offer(to);
  await system.advance(51);
  expect((await system.run(commit(to))).outcome).toMatchObject({
    output: { type: 'refused', reason: 'the acceptance has expired' },
  });
  expect(begun).toBe(0);
});

it('ends the work with who wants it', async () => {
  const to = seated();
  await offer(to);
  const asked = commit(to);
  await system.advance(10);
  await system.run(boss.kill());
  const { outcome } = await system.run(asked);
  expect(outcome).toMatchObject({ output: { type: 'ended', outcome: { status: 'failed' } } });
});

it('refuses options that make no sense', () => {
  expect(() => seat(work, { needs: 'refund' as never })).toThrow(/seat.needs/);
});
