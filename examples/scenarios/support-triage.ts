// E4: support tickets go from triage to billing, to technical and back. Nobody asks for the order
// twice; a large refund waits for Ada, and one of an order that was shipped meanwhile is refused; a
// ticket that the two push to and fro stops at the hop limit and is Ada's, with a summary.

import { fromHandler } from 'troupe';
import {
  guardedTools,
  handoffOf,
  inbox,
  tool,
  type Approver,
  type EscalatedTask,
  type InboxRef,
  type ModelStep,
} from 'troupe/actors';
import type { z } from 'zod';
import type { Scenario, Stage } from './stage.ts';
import { bank, refund, refundArgs, refunds, simulated, team, type Member } from './support-team.ts';

const to = (name: Member, reason: string, summary: string): ModelStep => ({
  toolCalls: [{ name, input: { reason, summary } }],
});
const refunded = (order: string, amount: number): ModelStep => ({
  toolCalls: [{ name: 'refund', input: { order, amount } }],
});
const STUBBORN = Array.from({ length: 40 }, (_, lap) => lap + 1);
const SCRIPT: Readonly<Record<Member, readonly ModelStep[]>> = {
  triage: ['A1', 'A2', 'A3', 'A4'].map(() =>
    to('billing', 'it is about money', 'wants money back'),
  ),
  billing: [
    to('technical', 'is it broken?', 'it was paid'),
    refunded('A1', 40),
    'You get 40 as store credit: the switch is broken.',
    refunded('A2', 80),
    'You get 80 back.',
    refunded('A3', 90),
    'It is on its way already; send it back, please.',
    ...STUBBORN.map((lap) => to('technical', 'not about money', `paid, as seen ${lap} times`)),
  ],
  technical: [
    to('billing', 'it is broken', 'the switch is broken'),
    ...STUBBORN.map((lap) => to('billing', 'not broken', `works, as seen ${lap} times`)),
  ],
};

async function play(stage: Stage): Promise<void> {
  refunds.length = 0;
  const desk = stage.system.spawn(inbox(), { id: 'inbox' });
  const till = stage.system.spawn(bank(desk as Approver), { id: 'bank' });
  /** The carrier fetches A3 while Ada makes up her mind. */
  const meanwhile = (order: string): void => {
    if (order !== 'A3') return;
    stage.say('the carrier takes A3 away');
    till.send({ type: 'learn', fact: { A3: 'shipped' } });
  };
  stage.system.spawn(ada(desk, stage, meanwhile), { id: 'ada' });
  const unguarded = tool<z.infer<typeof refundArgs>>({
    description: 'refunds',
    input: refundArgs,
    *call(args, run) {
      yield* run.sleep(1_000);
      meanwhile(args.order);
      return yield* run.effect('refund', () => refund.effect(args, nobody));
    },
  });
  const support = stage.system.spawn(
    team(
      (member) => stage.model(SCRIPT[member]),
      stage.without('guard') ? { refund: unguarded } : guardedTools(till, { refund }),
      desk,
      !stage.without('limits'),
      (member, task) => {
        const { user, results, from } = handoffOf(task)!;
        const order = user.identifiersAlreadyGiven?.['order'];
        const known = `order ${order}, prefers ${String(user.preferences?.['refund'])}`;
        if (results.length < 8)
          stage.say(`${from} > ${member}, who knows: ${known}; ${results.length} results`);
      },
    ),
    { id: 'support' },
  );

  for (const [order, text] of [
    ['A1', 'My lamp flickers. Refund me.'],
    ['A2', 'It came twice. Refund one.'],
    ['A3', 'I do not want it any more.'],
    ['A4', 'Make it as it was.'],
  ] as const) {
    stage.say(`${order}: "${text}"`);
    const user = { identifiersAlreadyGiven: { order }, preferences: { refund: 'store credit' } };
    const task = { goal: `settle ${order}`, input: { text }, context: { user } };
    const options = { deadlineMs: 60_000, budget: { tokens: 8_000 } };
    const outcome = await stage.perform(support, task, options);
    if (outcome.status !== 'done') continue;
    const { by, output, chain } = outcome.output;
    stage.say(`${chain.map(({ agent }) => agent).join(' > ')}`);
    stage.say(`${by}: ${String(output)}`);
  }
  stage.say(`refunds: ${refunds.join(', ')}`);
}

/** Looks into her inbox every second, and approves what she finds. */
const ada = (desk: InboxRef, stage: Stage, meanwhile: (order: string) => void) =>
  fromHandler<undefined, { type: 'look' }>({
    start: (_, ctx) => void ctx.every(1_000, { type: 'look' }),
    *receive(_, __, ctx) {
      const { questions } = yield* ctx.ask(desk, { type: 'list' });
      for (const { id, kind, content, reason } of questions) {
        yield* ctx.ask(desk, { type: 'claim', id, by: 'Ada' });
        if (kind === 'approval') {
          const { order, amount } = content as z.infer<typeof refundArgs>;
          meanwhile(order);
          stage.say(`Ada approves ${amount} for ${order} (${reason})`);
        } else {
          stage.say('Ada reads:');
          for (const line of (content as EscalatedTask).summary.split('\n')) stage.say(`  ${line}`);
        }
        const output = 'I call you tomorrow. Ada';
        yield* ctx.ask(desk, { type: 'answer', id, by: 'Ada', output, reason: 'fine' });
      }
    },
  });

const nobody = { idempotencyKey: 'none', signal: new AbortController().signal };

export default {
  id: 'E4',
  name: 'support-triage',
  shows:
    "A ticket that two agents push to and fro becomes a human's, and a shipped order is not refunded.",
  removable: ['guard', 'limits'],
  play,
  simulated,
} satisfies Scenario;
