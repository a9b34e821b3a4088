/**
 * The guard (6B, R34, R35, P8): it decides and commits in one turn, and what was approved runs only
 * if nothing that the approval was bound to has changed.
 */
import { fromHandler } from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { TaskFailed } from '../../../actors/failure.ts';
import type { ApprovalRequest } from '../../../actors/guard/approval.ts';
import { EffectConflict, guardedAction } from '../../../actors/guard/guarded-action.ts';
import { guard } from '../../../actors/guard/guard.ts';
import type { Policy } from '../../../actors/guard/policy.ts';

interface Order {
  readonly left: number;
  readonly isShipped: boolean;
  readonly mood: string;
}
type Fact = Partial<Order>;

/** Small refunds run, big ones need a person, and nothing is refunded once it is shipped. */
const policy: Policy<Order> = {
  version: '1',
  rules: [
    {
      id: 'shipped',
      rule: ({ state }) =>
        state.isShipped ? { decision: 'deny', reason: 'it is on its way' } : undefined,
    },
    {
      id: 'amount',
      rule: ({ action, state }) => {
        const { amount } = action.args as { amount: number };
        if (amount > state.left) return { decision: 'deny', reason: 'more than was paid' };
        return amount > 50
          ? { decision: 'escalate', reason: 'a big one' }
          : { decision: 'allow', reason: 'a small one' };
      },
    },
  ],
};

let system: TestSystem;
let performed: { amount: number; key: string }[];
let effect: (amount: number) => Promise<string>;
beforeEach(() => {
  system = createTestSystem();
  performed = [];
  effect = async (amount) => `refunded ${amount}`;
});

function options() {
  return {
    state: { left: 100, isShipped: false, mood: 'calm' } as Order,
    policy,
    learn: (state: Order, fact: Fact) => ({ ...state, ...fact }),
    actions: {
      refund: guardedAction({
        effectClass: 'spend',
        args: z.object({ amount: z.number().positive() }),
        watches: ({ left, isShipped }: Order) => ({ left, isShipped }),
        commit: (state: Order, { amount }) => ({ ...state, left: state.left - amount }),
        undo: (state: Order, { amount }) => ({ ...state, left: state.left + amount }),
        effect: ({ amount }, { idempotencyKey: key }) => {
          performed.push({ amount, key });
          return effect(amount);
        },
      }),
    },
  };
}

/** A guard with a person who answers when the test says so. */
function withApprover(more: Partial<ReturnType<typeof options>> = {}) {
  const person = system.probe<ApprovalRequest>('person');
  const desk = system.spawn(
    guard({ ...options(), ...more, approver: person.ref, approvalTimeoutMs: 60_000 }),
    { id: 'desk' },
  );
  const answer = async (isApproved: boolean, reason = 'looked at it') => {
    const request = await person.expectMessage('approve');
    person.reply(request, { type: 'approval', isApproved, by: 'ann', reason });
    return request;
  };
  return { person, desk, answer };
}

const inTime = { timeoutMs: 600_000 };
const big = { type: 'perform.refund', args: { amount: 80 } } as const;

describe('an action that the policy', () => {
  test('allows is committed and performed, and its result comes back', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    const verdict = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 30 } }));
    expect(verdict).toMatchObject({ ruling: 'performed', result: 'refunded 30' });
    if (verdict.ruling === 'performed') expectTypeOf(verdict.result).toEqualTypeOf<string>();
    expect(performed).toHaveLength(1);
  });

  test('denies is not performed, and the verdict says why and by which rule', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    const verdict = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 130 } }));
    expect(verdict).toMatchObject({
      ruling: 'denied',
      reason: 'more than was paid',
      decision: { ruleId: 'amount', policyVersion: '1' },
    });
    expect(performed).toEqual([]);
  });

  test('escalates is denied where nobody approves', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    const verdict = await system.run(desk.ask(big));
    expect(verdict).toMatchObject({ ruling: 'denied', reason: expect.stringMatching(/nobody/) });
  });

  test('cannot know, because it does not exist or its arguments do not fit, is invalid', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    const wrong = desk.ask({ type: 'perform.refund', args: { amount: -1 } });
    expect(await system.run(wrong)).toMatchObject({
      ruling: 'invalid',
      reason: expect.stringMatching(/refund: amount: /),
    });
    // @ts-expect-error there is no such action
    const unknown = desk.ask({ type: 'perform.delete', args: {} });
    expect(await system.run(unknown)).toMatchObject({
      ruling: 'invalid',
      reason: 'no action delete; there are: refund',
    });
    expect(performed).toEqual([]);
  });
});

test('two actions that only together are too much do not both run: each commits as it is decided', async () => {
  const desk = system.spawn(guard(options()), { id: 'desk' });
  effect = () => new Promise<string>(() => undefined);
  for (let count = 0; count < 2; count += 1) {
    void desk.ask({ type: 'perform.refund', args: { amount: 50 } }, inTime).catch(() => undefined);
  }
  await system.settle();
  const third = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 1 } }));
  expect(third.ruling).toBe('denied');
  expect(performed).toHaveLength(2);
});

describe('an approval', () => {
  test('lets just the approved action run', async () => {
    const { desk, answer } = withApprover();
    const verdict = desk.ask(big, inTime);
    const question = await answer(true);
    expect(question).toMatchObject({
      action: 'refund',
      args: { amount: 80 },
      hasChanged: false,
      decision: { reason: 'a big one' },
    });
    expect(await system.run(verdict)).toMatchObject({ ruling: 'performed' });
    expect(performed).toHaveLength(1);
  });

  test('does not cover changed state: it is denied when the policy now denies', async () => {
    const { desk, person } = withApprover();
    const verdict = desk.ask(big, inTime);
    const request = await person.expectMessage('approve');
    desk.send({ type: 'learn', fact: { isShipped: true } });
    await system.settle();
    person.reply(request, { type: 'approval', isApproved: true, by: 'ann', reason: 'fine' });
    expect(await system.run(verdict)).toMatchObject({
      ruling: 'denied',
      reason: 'it is on its way',
    });
    expect(performed).toEqual([]);
  });

  test('does not cover changed state: it is asked for again, saying so, when the policy escalates', async () => {
    const { desk, person, answer } = withApprover();
    const verdict = desk.ask(big, inTime);
    const request = await person.expectMessage('approve');
    desk.send({ type: 'learn', fact: { left: 90 } });
    await system.settle();
    person.reply(request, { type: 'approval', isApproved: true, by: 'ann', reason: 'fine' });
    await system.settle();
    expect(performed).toEqual([]);
    expect((await answer(true)).hasChanged).toBe(true);
    expect(await system.run(verdict)).toMatchObject({ ruling: 'performed' });
  });

  test('still covers a state in which only what the action does not watch has changed', async () => {
    const { desk, person } = withApprover();
    const verdict = desk.ask(big, inTime);
    const request = await person.expectMessage('approve');
    desk.send({ type: 'learn', fact: { mood: 'cross' } });
    await system.settle();
    person.reply(request, { type: 'approval', isApproved: true, by: 'ann', reason: 'fine' });
    expect(await system.run(verdict)).toMatchObject({ ruling: 'performed' });
    await person.expectNoMessage();
  });

  test('is used once: the same action again is asked for again', async () => {
    const { desk, answer } = withApprover();
    const small = { type: 'perform.refund', args: { amount: 51 } } as const;
    const first = desk.ask(small, inTime);
    await answer(true);
    await system.run(first);
    desk.send({ type: 'learn', fact: { left: 100 } });
    const second = desk.ask(small, inTime);
    await answer(false, 'once is enough');
    expect(await system.run(second)).toMatchObject({
      ruling: 'rejected',
      reason: 'once is enough',
    });
    expect(performed).toHaveLength(1);
  });

  test('is not asked for twice while it is open: both get the verdict, and it runs once', async () => {
    const { desk, person, answer } = withApprover();
    const verdicts = [desk.ask(big, inTime), desk.ask(big, inTime)];
    await answer(true);
    const both = await system.run(Promise.all(verdicts));
    expect(both.map(({ ruling }) => ruling)).toEqual(['performed', 'performed']);
    expect(performed).toHaveLength(1);
    await person.expectNoMessage();
  });

  test('that does not come in time has expired: nothing runs, and a late one changes nothing', async () => {
    const { desk, person } = withApprover();
    const verdict = desk.ask(big, inTime);
    const request = await person.expectMessage('approve');
    await system.advance(60_000);
    expect(await system.run(verdict)).toMatchObject({ ruling: 'expired' });
    person.reply(request, { type: 'approval', isApproved: true, by: 'ann', reason: 'late' });
    await system.settle();
    expect(performed).toEqual([]);
  });

  test('expires with the deadline of its request', async () => {
    const { desk, person } = withApprover();
    const verdict = desk.ask(big, { timeoutMs: 1_000 });
    const { expiresAtMs } = await person.expectMessage('approve');
    expect(expiresAtMs).toBe(1_000);
    await expect(system.run(verdict)).rejects.toThrow();
    expect(performed).toEqual([]);
  });

  test('for somebody who is gone has no effect', async () => {
    const { desk, person } = withApprover();
    const asker = system.spawn(
      fromHandler({
        *receive(_: undefined, __: { type: 'go' }, ctx) {
          yield* ctx.ask(desk, big, inTime);
        },
      }),
    );
    asker.send({ type: 'go' });
    const request = await person.expectMessage('approve');
    await system.run(asker.kill());
    person.reply(request, { type: 'approval', isApproved: true, by: 'ann', reason: 'fine' });
    await system.settle();
    expect(performed).toEqual([]);
  });

  test('of an approver that is gone is none', async () => {
    const { desk, person } = withApprover();
    const verdict = desk.ask(big, inTime);
    await person.expectMessage('approve');
    await system.run(person.ref.kill());
    expect(await system.run(verdict)).toMatchObject({ ruling: 'expired' });
    expect(performed).toEqual([]);
  });
});

describe('a denial', () => {
  test('sticks to its call, whatever has changed since', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    const call = { type: 'perform.refund', args: { amount: 30 }, callId: 'c1' } as const;
    desk.send({ type: 'learn', fact: { isShipped: true } });
    await system.run(desk.ask(call));
    desk.send({ type: 'learn', fact: { isShipped: false } });
    expect(await system.run(desk.ask(call))).toMatchObject({ ruling: 'denied' });
    const other = desk.ask({ ...call, callId: 'c2' });
    expect(await system.run(other)).toMatchObject({ ruling: 'performed' });
  });
});

describe('an effect', () => {
  test('that meets a changed world is taken back, and decided anew with the new fact', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    effect = async (amount) => {
      if (performed.length === 1) throw new EffectConflict({ left: 20 });
      return `refunded ${amount}`;
    };
    const verdict = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 30 } }));
    expect(verdict).toMatchObject({ ruling: 'denied', reason: 'more than was paid' });
    const rest = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 20 } }));
    expect(rest.ruling).toBe('performed');
  });

  test('that always meets a changed world fails, with nothing done', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    effect = () => Promise.reject(new EffectConflict({ mood: 'odd' }));
    const verdict = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 30 } }));
    expect(verdict).toMatchObject({ ruling: 'failed', effect: 'none' });
    expect(performed).toHaveLength(4);
  });

  test('that fails otherwise may have happened: its commit stays, and nothing is tried again', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    effect = () => Promise.reject(new Error('connection reset'));
    const first = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 50 } }));
    expect(first).toMatchObject({ ruling: 'failed', effect: 'unknown' });
    const second = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 51 } }));
    expect(second).toMatchObject({ ruling: 'denied', reason: 'more than was paid' });
    expect(performed).toHaveLength(1);
  });

  test('that fails and says that nothing was done is taken back', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    effect = () =>
      Promise.reject(new TaskFailed({ kind: 'toolError', message: 'refused', effect: 'none' }));
    const first = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 50 } }));
    expect(first).toMatchObject({ ruling: 'failed', effect: 'none' });
    effect = async (amount) => `refunded ${amount}`;
    const second = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 50 } }));
    const third = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 50 } }));
    expect([second.ruling, third.ruling]).toEqual(['performed', 'performed']);
  });

  test('has a key of its own for each performance', async () => {
    const desk = system.spawn(guard(options()), { id: 'desk' });
    for (let count = 0; count < 2; count += 1) {
      await system.run(desk.ask({ type: 'perform.refund', args: { amount: 1 } }));
    }
    expect(new Set(performed.map(({ key }) => key)).size).toBe(2);
  });
});

describe('obligations', () => {
  const must = (name: string): Policy<Order> => ({
    version: '1',
    rules: [{ id: 'r', rule: () => ({ decision: 'allow', reason: '', obligations: [name] }) }],
  });

  test('are met before the effect', async () => {
    const logged: string[] = [];
    const log = () => logged.push(`before ${performed.length}`);
    const logic = guard({ ...options(), policy: must('log'), obligations: { log } });
    await system.run(system.spawn(logic).ask({ type: 'perform.refund', args: { amount: 1 } }));
    expect(logged).toEqual(['before 0']);
    expect(performed).toHaveLength(1);
  });

  test.each([
    ['nobody can meet', 'notify'],
    ['fail', 'log'],
  ])('that %s refuse the action', async (_, name) => {
    const log = () => {
      throw new Error('disk full');
    };
    const logic = guard({ ...options(), policy: must(name), obligations: { log } });
    const asked = system.spawn(logic).ask({ type: 'perform.refund', args: { amount: 1 } });
    expect(await system.run(asked)).toMatchObject({ ruling: 'denied' });
    expect(performed).toEqual([]);
  });
});

describe('the audit', () => {
  test('has one record per decision: grounds, version of the state, approver, and what came of it', async () => {
    const { desk, answer } = withApprover();
    const verdict = desk.ask(big, inTime);
    await system.advance(500);
    await answer(true);
    await system.run(verdict);
    await system.run(desk.ask({ type: 'perform.refund', args: { amount: 30 } }));
    const { records } = await system.run(desk.ask({ type: 'audit' }));
    expect(records).toMatchObject([
      { id: 1, decision: { decision: 'escalate' }, outcome: 'escalated', tookMs: 500 },
      { id: 2, after: 1, approvedBy: 'ann', stateVersion: 0, outcome: 'performed' },
      { id: 3, decision: { ruleId: 'amount' }, stateVersion: 1, outcome: 'refused' },
    ]);
  });

  test('keeps so many records and no more', async () => {
    const desk = system.spawn(guard({ ...options(), auditCapacity: 2 }));
    for (let count = 0; count < 3; count += 1) {
      await system.run(desk.ask({ type: 'perform.refund', args: { amount: 1 } }));
    }
    const { records } = await system.run(desk.ask({ type: 'audit' }));
    expect(records.map(({ id }) => id)).toEqual([2, 3]);
  });

  test('says what a shadow policy would have decided, which decides nothing', async () => {
    const shadow: Policy<Order> = { version: '2', rules: [] };
    const desk = system.spawn(guard({ ...options(), shadow }));
    const verdict = await system.run(desk.ask({ type: 'perform.refund', args: { amount: 1 } }));
    expect(verdict.ruling).toBe('performed');
    const { records } = await system.run(desk.ask({ type: 'audit' }));
    expect(records[0]?.shadow).toMatchObject({ decision: 'deny', policyVersion: '2' });
  });
});

test('an unknown option and two rules of one name are refused at once', () => {
  expect(() => guard({ ...options(), approvers: [] } as never)).toThrow(/approvers/);
  const [rule] = policy.rules;
  const twice = { version: '1', rules: [rule!, rule!] };
  expect(() => guard({ ...options(), policy: twice })).toThrow(/shipped/);
});
