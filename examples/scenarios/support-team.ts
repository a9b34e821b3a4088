// The support team of a lamp shop: triage, billing and technical are models that hand tickets to each
// other; a guard stands between them and the money; an inbox is the human's.

import {
  briefing,
  guard,
  guardedAction,
  guardedTools,
  handoffTool,
  inbox,
  modelAgent,
  swarm,
  type Approver,
  type InboxRef,
  type LanguageModel,
  type ModelTurn,
  type PerformerRef,
  type Task,
  type Tools,
} from 'troupe/actors';
import type { Wait } from 'troupe';
import { ok, type Scenario as Simulated } from 'troupe/simulation';
import { z } from 'zod';

export interface Ticket {
  readonly text: string;
}
type Orders = Readonly<Record<string, 'open' | 'shipped' | 'refunded'>>;

export const refunds: string[] = [];
export const refundArgs = z.object({ order: z.string(), amount: z.number() });
export const refund = guardedAction({
  effectClass: 'spend',
  args: refundArgs,
  watches: (orders: Orders, { order }) => orders[order],
  commit: (orders: Orders, { order }) => ({ ...orders, [order]: 'refunded' as const }),
  undo: (orders: Orders, { order }) => ({ ...orders, [order]: 'open' as const }),
  effect: async ({ order, amount }) => {
    refunds.push(`${amount} for ${order}`);
    return `refunded ${amount}`;
  },
});
const open: Orders = { A1: 'open', A2: 'open', A3: 'open', A4: 'open' };

/** Refunds open orders only; more than 50 with a human's approval. */
export const bank = (approver: Approver) =>
  guard({
    state: open,
    learn: (orders: Orders, fact: Orders) => ({ ...orders, ...fact }),
    actions: { refund },
    approver,
    policy: {
      version: '1',
      rules: [
        {
          id: 'open orders',
          rule: ({ action, state }) => {
            const { order, amount } = action.args as z.infer<typeof refundArgs>;
            const now = state[order] ?? 'unknown';
            if (now !== 'open') return { decision: 'deny', reason: `order ${order} is ${now}` };
            return amount > 50
              ? { decision: 'escalate', reason: 'more than 50' }
              : { decision: 'allow', reason: 'at most 50' };
          },
        },
      ],
    },
  });

const MEMBERS = ['triage', 'billing', 'technical'] as const;
export type Member = (typeof MEMBERS)[number];

/** The team; each member is a model that may hand off to the others. */
export function team(
  modelOf: (member: Member) => LanguageModel,
  refunding: Tools,
  human: InboxRef,
  isLimited: boolean,
  told: (member: Member, task: Task<Ticket>) => void,
) {
  const member = (name: Member) => {
    const others = MEMBERS.filter((each) => each !== name);
    return modelAgent<Ticket>(name, {
      model: modelOf(name),
      instructions: `You are ${name} of a lamp shop. Hand off what is not yours.`,
      prompt: (task) => {
        told(name, task);
        return briefing(task);
      },
      tools: {
        ...Object.fromEntries(others.map((to) => [to, handoffTool(to, { description: to })])),
        ...(name === 'billing' && refunding),
      },
      maxOutputTokens: 200,
    });
  };
  return swarm('support', {
    members: {
      triage: member('triage'),
      billing: member('billing'),
      technical: member('technical'),
    },
    entry: 'triage',
    human,
    hopLimit: isLimited ? 6 : 10_000,
    visitsMax: isLimited ? 5 : 10_000,
  });
}

const call = (name: string, input: object) => ({
  id: name,
  name,
  input,
  text: name,
  isBroken: false,
});
const says = (text: string, ...toolCalls: ReturnType<typeof call>[]) =>
  ok({
    text,
    toolCalls,
    finish: 'stop',
    usage: { inputTokens: 1, outputTokens: 1 },
  } satisfies ModelTurn);
const hands = (name: string) => says('', call(name, { reason: 'not mine', summary: 'not mine' }));
const small = call('refund', { order: 'A2', amount: 40 });
let settled = 0;
let begun = 0;

/** Every model says at each turn whatever is worst; nobody looks into the inbox. */
export const simulated: Simulated = {
  name: 'support-triage',
  setup({ spawn, client }) {
    [settled, begun] = [0, 0];
    const desk = spawn(inbox({ expiryMs: 5_000 }), { id: 'inbox' });
    const till = spawn(bank(desk as Approver), { id: 'bank' });
    const any = { modelId: 'any', doGenerate: nothing, doStream: nothing } as never;
    const support = spawn(
      team(
        () => any,
        guardedTools(till, { refund }),
        desk,
        true,
        () => undefined,
      ),
      { id: 'support' },
    );
    client('boss', function* (ctx): Generator<Wait<unknown>, void, unknown> {
      const task = { id: 't', goal: 'settle A2', input: { text: 'refund me' } };
      const asked = { type: 'task', task, by: ctx.self, timeoutMs: 30_000 } as const;
      yield* ctx.ask(support as PerformerRef<Ticket, unknown>, asked, { timeoutMs: Infinity });
      settled += 1;
    });
  },
  effects: {
    'model/any': [
      hands('billing'),
      hands('technical'),
      says('settled'),
      says('', small, small, call('technical', { reason: 'it is refunded' })),
      says('', call('refund', { order: 'A2', amount: 80 })),
    ],
    '/bank/refund': () => {
      begun += 1;
      return [ok('refunded')];
    },
  },
  invariant: { 'an order is refunded once': () => begun <= 1 },
  eventually: { 'the ticket is settled, once': () => settled === 1 },
  allow: { deadLetters: ['*'] },
};

function nothing(): never {
  throw new Error('a simulated model is asked by its effect');
}
