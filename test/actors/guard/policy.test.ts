/** Policies (6B): how rulings make one decision, and that no mistake of a rule opens the door. */
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import {
  decide,
  type Policy,
  type PolicyQuery,
  type Ruling,
} from '../../../actors/guard/policy.ts';

type Said = Ruling['decision'];
const query = (effectClass: PolicyQuery['action']['effectClass'] = 'write'): PolicyQuery => ({
  action: { name: 'delete', args: {}, argsDigest: 'd', effectClass },
  principal: { agent: 'n/a', chain: ['n/a'] },
  state: undefined,
  stateVersion: 3,
  nowMs: 0,
  budget: undefined,
});
const saying = (...said: (Said | undefined)[]): Policy => ({
  version: '1',
  rules: said.map((decision, index) => ({
    id: `r${index}`,
    rule: () => decision && { decision, reason: `${decision} of r${index}` },
  })),
});

const weight = { allow: 0, escalate: 1, deny: 2 };
const said = fc.array(fc.constantFrom<Said | undefined>('allow', 'deny', 'escalate', undefined));

property.prop([said])('deny outweighs escalate, which outweighs allow', (rulings) => {
  const spoken = rulings.filter((each) => each !== undefined);
  const expected = spoken.toSorted((a, b) => weight[b] - weight[a])[0] ?? 'deny';
  expect(decide(saying(...rulings), query()).decision).toBe(expected);
});

property.prop([said, fc.constantFrom<Said>('deny', 'escalate')])(
  'one more rule that objects never makes a decision milder',
  (rulings, objection) => {
    const before = decide(saying(...rulings, 'allow'), query()).decision;
    const after = decide(saying(...rulings, 'allow', objection), query()).decision;
    expect(weight[after]).toBeGreaterThanOrEqual(weight[before]);
  },
);

test('of rulings that weigh the same, the first gives reason and rule', () => {
  const decision = decide(saying('allow', 'deny', 'deny'), query());
  expect(decision).toMatchObject({ ruleId: 'r1', reason: 'deny of r1', policyVersion: '1' });
});

describe('what no rule speaks of', () => {
  test('runs if it only reads', () => {
    expect(decide(saying(), query('read')).decision).toBe('allow');
  });

  test.each(['write', 'irreversible', 'spend', 'external'] as const)('is denied as %s', (kind) => {
    expect(decide(saying(undefined), query(kind))).toMatchObject({
      decision: 'deny',
      ruleId: '(default)',
    });
  });

  test('is escalated where the policy says so', () => {
    const decision = decide({ ...saying(), otherwise: 'escalate' }, query());
    expect(decision.decision).toBe('escalate');
  });
});

test('a rule that throws denies', () => {
  const rule = () => {
    throw new Error('no state');
  };
  const policy: Policy = { version: '1', rules: [...saying('allow').rules, { id: 'bad', rule }] };
  expect(decide(policy, query())).toMatchObject({
    decision: 'deny',
    ruleId: 'bad',
    reason: 'the rule failed: Error: no state',
  });
});

test.each(['maybe', 'toString', undefined])('a rule that says "%s" denies', (word) => {
  const rule = () => ({ decision: word, reason: '' }) as unknown as Ruling;
  const decision = decide({ version: '1', rules: [{ id: 'bad', rule }] }, query());
  expect(decision.decision).toBe('deny');
});

test('the obligations of all rulings count, each once', () => {
  const rules = [['log'], ['log', 'notify']].map((obligations, index) => ({
    id: `r${index}`,
    rule: (): Ruling => ({ decision: 'allow', reason: '', obligations }),
  }));
  expect(decide({ version: '1', rules }, query()).obligations).toEqual(['log', 'notify']);
});
