/** MCP tools: the guard stands before the server. */
import { createTestSystem } from 'troupe/testing';
import { beforeEach, expect, test } from 'vitest';
import type { ApprovalRequest } from '../../../actors/guard/approval.ts';
import { guard } from '../../../actors/guard/guard.ts';
import type { Verdict } from '../../../actors/guard/guarded-action.ts';
import type { Policy } from '../../../actors/guard/policy.ts';
import { mcpActions, type McpClient } from '../../../actors/models/mcp.ts';
import { declarationsOf, guardedTools } from '../../../actors/models/tool.ts';

const inputSchema = { type: 'object', properties: { path: { type: 'string' } } };
let calls: unknown[];
let answer: unknown;
const client: McpClient = {
  listTools: async (params) =>
    params?.cursor === 'more'
      ? { tools: [{ name: 'write', inputSchema }] }
      : { tools: [{ name: 'read', description: 'reads a file', inputSchema }], nextCursor: 'more' },
  callTool: async (params) => {
    calls.push(params);
    return answer;
  },
};
const otherwise = { version: '1', rules: [], otherwise: 'escalate' as const };

beforeEach(() => {
  calls = [];
  answer = { content: [{ type: 'text', text: 'the file' }] };
});

async function desk(policy: Policy<unknown> = otherwise, isAlone = false) {
  const system = createTestSystem();
  const person = system.probe<ApprovalRequest>();
  const { actions } = await mcpActions(client);
  const state: unknown = undefined;
  const ref = system.spawn(
    guard({ state, actions, policy, ...(isAlone ? {} : { approver: person.ref }) }),
    { id: 'desk' },
  );
  // The actions are known at run time only, so nothing is known of them as types.
  const ask = ref.ask.bind(ref) as unknown as (...asked: unknown[]) => Promise<Verdict>;
  const read = () => ask({ type: 'perform.read', args: { path: 'a' } }, { timeoutMs: 60_000 });
  const approve = async () => {
    const request = await person.expectMessage('approve');
    person.reply(request, { type: 'approval', isApproved: true, by: 'ann', reason: '' });
  };
  return { system, read, approve };
}

test('all pages of tools are actions, and models are told what the server says of them', async () => {
  const { actions, descriptions } = await mcpActions(client);
  const declared = declarationsOf(guardedTools({ address: 'a' }, actions, descriptions));
  expect(declared).toEqual([
    { type: 'function', name: 'read', description: 'reads a file', inputSchema },
    { type: 'function', name: 'write', description: 'write', inputSchema },
  ]);
});

test('a tool runs only after the approval, with a key of its own', async () => {
  const { read, approve, system } = await desk();
  const verdict = read();
  await system.settle();
  expect(calls).toEqual([]);
  await approve();
  expect(await system.run(verdict)).toMatchObject({ ruling: 'performed', result: 'the file' });
  expect(calls).toEqual([
    {
      name: 'read',
      arguments: { path: 'a' },
      _meta: { 'troupe/idempotencyKey': expect.stringMatching(/^\/desk#/) },
    },
  ]);
});

test('a tool that says itself that it only reads is not believed', async () => {
  const { system, read } = await desk(otherwise, true);
  expect(await system.run(read())).toMatchObject({ ruling: 'denied' });
  expect(calls).toEqual([]);
});

test.each([
  [
    'an error',
    { isError: true, content: [{ type: 'text', text: 'no such file' }] },
    /no such file/,
  ],
  ['a question back', { resultType: 'input_required', content: [] }, /wants to be told more/],
])('%s of the server is a failed performance', async (_, said, reason) => {
  answer = said;
  const { system, read } = await desk({
    version: '1',
    rules: [{ id: 'r', rule: () => ({ decision: 'allow', reason: '' }) }],
  });
  expect(await system.run(read())).toMatchObject({
    ruling: 'failed',
    reason: expect.stringMatching(reason),
  });
});

test('structured content is the result where there is some', async () => {
  answer = { structuredContent: { bytes: 3 }, content: [] };
  const { system, read, approve } = await desk();
  const verdict = read();
  await approve();
  expect(await system.run(verdict)).toMatchObject({ result: { bytes: 3 } });
});
