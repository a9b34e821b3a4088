// E10: an agent is told to delete inactive accounts, and a guard decides on each of them when it is
// about to happen: it allows, denies, and asks the owner. An account that becomes active while the
// owner reads is not deleted, and where the owner says nothing nothing is done.

import { fromHandler, type Ref, type System } from 'troupe';
import {
  digestOf,
  guard,
  guardedAction,
  guardedTools,
  modelAgent,
  scripted,
  tool,
  type ApprovalRequest,
  type GuardEvent,
  type LanguageModel,
  type Tools,
} from 'troupe/actors';
import { choose, fail, hang, ok } from 'troupe/simulation';
import { z } from 'zod';
import { simulated } from './simulated.ts';
import type { Scenario, Stage } from './stage.ts';

interface Account {
  readonly idleDays: number;
  readonly isActive?: boolean;
}
type Accounts = Readonly<Record<string, Account>>;

const ACCOUNTS: Accounts = {
  ada: { idleDays: 800 },
  ben: { idleDays: 0, isActive: true },
  cyd: { idleDays: 200 },
  dot: { idleDays: 210 },
  eve: { idleDays: 190 },
};

const args = z.object({ id: z.string() });
/** What is deleted, and whether it was active when that was decided. */
const deleted: { readonly id: string; readonly wasActive: boolean }[] = [];
const deleteAccount = guardedAction({
  effectClass: 'irreversible',
  args,
  watches: (accounts: Accounts, { id }) => accounts[id],
  commit: (accounts: Accounts, { id }) => {
    const { [id]: account, ...others } = accounts;
    deleted.push({ id, wasActive: account?.isActive === true });
    return others;
  },
  effect: async ({ id }) => `deleted ${id}`,
});
type OpsEvent = GuardEvent<{ readonly deleteAccount: typeof deleteAccount }, Accounts>;

const guardFor = (owner: Ref<ApprovalRequest>) =>
  guard({
    state: ACCOUNTS,
    learn: (accounts: Accounts, fact: Accounts) => ({ ...accounts, ...fact }),
    actions: { deleteAccount },
    approver: owner,
    approvalTimeoutMs: 5_000,
    policy: {
      version: '1',
      rules: [
        {
          id: 'inactive accounts only',
          rule({ action, state }) {
            const account = state[(action.args as { id: string }).id];
            if (account === undefined)
              return { decision: 'deny', reason: 'there is no such account' };
            if (account.isActive === true) return { decision: 'deny', reason: 'it is active' };
            return account.idleDays > 365
              ? { decision: 'allow', reason: 'idle for more than a year' }
              : { decision: 'escalate', reason: 'idle for less than a year' };
          },
        },
      ],
    },
  });

function janitor(system: System, model: LanguageModel, tools: Tools) {
  const instructions = 'You delete inactive accounts, one after the other.';
  return system.spawn(modelAgent('janitor', { model, instructions, tools }), { id: 'janitor' });
}

async function play(stage: Stage): Promise<void> {
  deleted.length = 0;
  const { system } = stage;
  const owner = system.spawn(
    fromHandler({
      *receive(_: undefined, request: ApprovalRequest, ctx) {
        const { id } = request.args as { id: string };
        stage.say(`the owner is asked about ${id}: ${request.decision.reason}`);
        if (id === 'eve') return ctx.defer(request);
        yield* ctx.sleep(1_000);
        if (id === 'dot') {
          stage.say('dot logs in');
          ops.send({ type: 'learn', fact: { dot: { idleDays: 0, isActive: true } } });
        }
        stage.say(`the owner approves ${id}`);
        ctx.reply(request, { type: 'approval', isApproved: true, by: 'owner', reason: 'go on' });
      },
    }),
    { id: 'owner' },
  );
  const ops: Ref<OpsEvent> = system.spawn(guardFor(owner), { id: 'ops' });
  const unguarded: Tools = {
    deleteAccount: tool({
      description: 'deletes an account',
      input: args,
      call({ id }) {
        stage.say(`${id} is deleted`);
        deleted.push({ id, wasActive: ACCOUNTS[id]?.isActive === true });
        return `deleted ${id}`;
      },
    }),
  };
  const wants = Object.keys(ACCOUNTS).map((id) => ({
    toolCalls: [{ name: 'deleteAccount', input: { id } }],
  }));
  const model = stage.model([...wants, 'I did what I was allowed to do.']);
  const tools = stage.without('guard') ? unguarded : guardedTools(ops, { deleteAccount });
  const agent = janitor(system, model, tools);
  const task = { goal: 'delete inactive accounts', input: Object.keys(ACCOUNTS) };
  await stage.perform(agent as never, task, { deadlineMs: 60_000, budget: { tokens: 20_000 } });
  const { records } = await stage.run(ops.ask({ type: 'audit' }));
  const names = new Map(Object.keys(ACCOUNTS).map((id) => [digestOf({ id }), id]));
  for (const { argsDigest, approvedBy, decision, outcome } of records) {
    const who = `${names.get(argsDigest)}${approvedBy === undefined ? '' : `, approved by ${approvedBy}`}`;
    stage.say(`${who}: ${decision.decision}, for ${decision.reason}: ${outcome}`);
  }
  stage.say(`deleted: ${deleted.map(({ id }) => id).join(', ') || 'nobody'}`);
  const wrong = deleted.filter(({ wasActive }) => wasActive).map(({ id }) => id);
  if (wrong.length > 0) stage.say(`active, and gone for good: ${wrong.join(', ')}`);
}

/** The model wants any account deleted; the owner says anything; and accounts become active at any time. */
const underAllOrders = simulated({
  input: [],
  build(system) {
    deleted.length = 0;
    const owner = system.spawn(
      fromHandler({
        receive(_: undefined, request: ApprovalRequest, ctx) {
          const says = choose('the owner', ['yes', 'no', 'nothing']);
          if (says === 'nothing') return ctx.defer(request);
          const isApproved = says === 'yes';
          ctx.reply(request, { type: 'approval', isApproved, by: 'owner', reason: says });
        },
      }),
      { id: 'owner' },
    );
    const ops = system.spawn(guardFor(owner), { id: 'ops' });
    ops.send({ type: 'learn', fact: { cyd: { idleDays: 0, isActive: true } } });
    return janitor(system, scripted([]), guardedTools(ops, { deleteAccount }));
  },
  effects: {
    'model/scripted': [
      ...['ada', 'ben', 'cyd'].map((id) => ok(wanting(id))),
      ok({ ...wanting('ada'), text: 'done', toolCalls: [], finish: 'stop' }),
    ],
    '/ops/deleteAccount': [ok('deleted'), fail(new Error('no connection')), hang()],
  },
  invariant: {
    'no account is deleted that is active': () => deleted.every(({ wasActive }) => !wasActive),
    'no account is deleted twice': () =>
      new Set(deleted.map(({ id }) => id)).size === deleted.length,
  },
});

function wanting(id: string) {
  const call = { id: 'c', name: 'deleteAccount', input: { id }, text: `{"id":"${id}"}` };
  const toolCalls = [{ ...call, isBroken: false }];
  return { text: '', toolCalls, finish: 'tool-calls', usage: { inputTokens: 5, outputTokens: 5 } };
}

export default {
  id: 'E10',
  name: 'ops-agent',
  shows: 'Each deletion is decided on when it is about to happen: allowed, denied, or asked about.',
  removable: ['guard'],
  play,
  simulated: underAllOrders,
} satisfies Scenario;
