/** How models hand a task on. */
import {
  briefing,
  handoffOf,
  handoffTool,
  isHandover,
  modelAgent,
  perform,
  performer,
  rule,
  scripted,
  swarm,
  tool,
  type Handoff,
  type Handover,
  type ModelStep,
  type Resolved,
  type Task,
} from 'troupe/actors';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import { beforeEach, expect, it } from 'vitest';
import { z } from 'zod';

let system: TestSystem;
let did: string[];
beforeEach(() => {
  system = createTestSystem();
  did = [];
});

const look = tool({
  description: 'looks an order up',
  input: z.object({ order: z.string() }),
  call: ({ order }) => {
    did.push(`look ${order}`);
    return { state: 'shipped' };
  },
});
const tools = {
  look,
  toBilling: handoffTool('billing', { description: 'for money' }),
  toTechnical: handoffTool('technical', {
    description: 'for broken products',
    input: z.object({ product: z.string() }),
    parts: ({ product }) => ({ reason: `${product} is broken`, task: { product } }),
  }),
};
const triage = (...steps: readonly ModelStep[]) =>
  modelAgent('triage', { model: scripted(steps), instructions: 'route', prompt: briefing, tools });
const calls = (...toolCalls: readonly { name: string; input: unknown }[]): ModelStep => ({
  toolCalls,
});
const lookUp = { name: 'look', input: { order: '4711' } };
const money = { name: 'toBilling', input: { reason: 'a refund', summary: 'wants 40 back' } };
const broken = { name: 'toTechnical', input: { product: 'lamp' } };

async function wishOf(...steps: readonly ModelStep[]): Promise<Handover> {
  const spec = { goal: 'help', input: undefined as never };
  const outcome = await system.run(perform(system, triage(...steps), spec));
  expect(outcome.status).toBe('done');
  const { output } = outcome as unknown as { output: Handover };
  expect(isHandover(output)).toBe(true);
  return output;
}
const resultsIn = (messages: readonly unknown[]) =>
  (messages as { role: string; content: { toolName: string; output: { value: unknown } }[] }[])
    .filter(({ role }) => role === 'tool')
    .flatMap(({ content }) => content.map(({ toolName, output }) => [toolName, output.value]));

it('a handoff and tools in one answer: the tools run first, and their results go along', async () => {
  const wish = await wishOf(calls(money, lookUp));
  expect(did).toEqual(['look 4711']);
  expect(wish).toMatchObject({ to: 'billing', reason: 'a refund', result: 'wants 40 back' });
  expect(resultsIn(wish.messages!)).toEqual([
    ['toBilling', 'done'],
    ['look', { state: 'shipped' }],
  ]);
});

it('of two handoffs in one answer the first is taken, and the other told why not', async () => {
  const wish = await wishOf(calls(broken, money));
  expect(wish).toMatchObject({ to: 'technical', task: { product: 'lamp' } });
  expect(resultsIn(wish.messages!)).toEqual([
    ['toTechnical', 'done'],
    ['toBilling', 'not done: toTechnical was taken, and one answer ends the conversation once'],
  ]);
});

it('each call has its result in what goes along, and neither instructions nor prompt', async () => {
  const { messages } = await wishOf(calls(lookUp), calls(lookUp, money));
  const roles = (messages as { role: string }[]).map(({ role }) => role);
  expect(roles).toEqual(['assistant', 'tool', 'assistant', 'tool']);
});

it('a handoff whose arguments do not fit is told to the model, and no tool is kept from running', async () => {
  const wish = await wishOf(calls({ name: 'toTechnical', input: {} }, lookUp), calls(money));
  expect(did).toEqual(['look 4711']);
  expect(wish.to).toBe('billing');
  expect(resultsIn(wish.messages!)[0]).toMatchObject([
    'toTechnical',
    expect.stringMatching(/product/),
  ]);
});

it('the next model reads what is known, and asks nothing twice', async () => {
  let prompt = '';
  const billing = modelAgent('billing', {
    model: rule((request) => {
      prompt = JSON.stringify(request.prompt);
      return 'refunded';
    }),
    instructions: 'settle',
    prompt: briefing,
  });
  const support = swarm('support', {
    members: { triage: triage(calls(lookUp, money)), billing },
    entry: 'triage',
  });
  const user = { identifiersAlreadyGiven: { order: '4711' } };
  const spec = { goal: 'help Ada', input: { text: 'refund' } as never, context: { user } };
  const outcome = await system.run(perform(system, support, spec));
  expect(outcome).toMatchObject({ status: 'done', output: { output: 'refunded', by: 'billing' } });
  for (const known of ['help Ada', '4711', 'wants 40 back', 'shipped', 'triage > billing'])
    expect(prompt).toContain(known);
});

it('a return transfer that nobody handles keeps the message of the user', async () => {
  const seen: Handoff[] = [];
  const members = {
    triage: triage(calls({ name: 'toBilling', input: { reason: 'a refund' } })),
    billing: performer('billing', (task: Task<{ text: string }>) => {
      seen.push(handoffOf(task)!);
      return seen.length === 1
        ? ({ type: 'troupe.handover', to: 'parent', reason: 'back' } as const)
        : task.input.text;
    }),
  };
  const support = swarm('support', { members, entry: 'triage' });
  const spec = { goal: 'help', input: { text: 'refund my lamp' } as never };
  const outcome = await system.run(perform(system, support, spec));
  expect((outcome as { output: Resolved }).output.output).toBe('refund my lamp');
  expect(seen[1]!.failedApproaches).toEqual([
    'there is no member "parent"; there are: triage, billing',
  ]);
  expect(seen[1]!.history.messages.length).toBeGreaterThan(0);
});
