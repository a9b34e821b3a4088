// E9: customer service. A desk has a ticket looked up in three places at once, goes on without the
// one that hangs, and hands over to a specialist who finds everything in one shared state. Time and
// tokens only shrink on the way down, and all of it is one trace.

import type { Ref } from 'troupe';
import {
  bare,
  ensemble,
  handoff,
  join,
  labelled,
  performer,
  sharedState,
  stateOf,
  swarm,
  type ShapeOf,
  type StateEvent,
  type Task,
  type TaskRun,
} from 'troupe/actors';
import { z } from 'zod';
import type { Scenario, Stage } from './stage.ts';

interface Ticket {
  readonly customer: string;
  readonly text: string;
}

const CRM = '/desk/team/lookups/team/crm';
const ticketState = () =>
  sharedState('ticket', {
    results: { schema: z.record(z.string(), z.string()) },
    user: {
      schema: z.object({ name: z.string() }).partial(),
      read: [{ agents: [CRM, '/desk/team/specialists'], upTo: 'confidential' }],
      write: [{ agents: [CRM], upTo: 'confidential' }],
    },
    workflow: { schema: z.object({ lookups: z.number(), step: z.string() }).partial() },
  });
type State = Ref<StateEvent<ShapeOf<ReturnType<typeof ticketState>>>>;

/** Where the ticket is looked up, and what each place says; the logs may do what they like. */
const PLACES = { crm: 'a customer since 2019', billing: 'charged twice in May', logs: 'no errors' };
type Logs = () => 'answers' | 'hangs' | 'fails';
type Say = (text: string) => void;

const telling = (say: Say) => (who: string, run: TaskRun) =>
  say(`${who} has ${run.left['tokens'] ?? 'no end of'} tokens and ${run.remainingMs} ms`);

const lookupsIn = (state: State, logs: Logs, say: Say, patienceMs: number) => {
  const tell = telling(say);
  const lookup = (place: keyof typeof PLACES) =>
    performer(place, function* ({ input }: Task<Ticket>, run) {
      tell(`  ${place}`, run);
      run.spend({ tokens: 20 });
      const how = place === 'logs' ? logs() : 'answers';
      if (how === 'fails') throw new Error('the logs are gone');
      yield* run.sleep(how === 'hangs' ? Infinity : 300);
      const shared = stateOf(run, state);
      yield* shared.update('results', place, () => PLACES[place]);
      // All of them count at the same place at the same time; no lookup is lost.
      yield* shared.update('workflow', 'lookups', (count = 0) => count + 1);
      if (place === 'crm') {
        const name = labelled('confidential', 'Ada Lovelace');
        yield* shared.update('user', 'name', () => name, { subject: input.customer });
      }
      return place;
    });
  return ensemble('lookups', {
    members: { crm: lookup('crm'), billing: lookup('billing'), logs: lookup('logs') },
    join: patienceMs < Infinity ? join.bestEffort(patienceMs) : join.all(),
    collect: (slots) => slots.map(({ name, status }) => `${name} ${status}`).join(', '),
  });
};

const team = (state: State, logs: Logs, say: Say, patienceMs: number) => {
  const tell = telling(say);
  const lookups = lookupsIn(state, logs, say, patienceMs);
  const general = performer('general', (_: Task<Ticket>, run) => {
    tell('    the generalist', run);
    run.spend({ tokens: 10 });
    return handoff('refunds', { reason: 'charged twice', done: ['looked up'] });
  });
  const refunds = performer('refunds', function* (_: Task<Ticket>, run) {
    tell('    the specialist', run);
    run.spend({ tokens: 30 });
    const shared = stateOf(run, state);
    const { items: known } = yield* shared.read('results');
    const { items: user } = yield* shared.read('user');
    yield* shared.update('workflow', 'step', () => 'refunded');
    const asked =
      user.name === undefined ? 'a customer without a name' : 'a customer known by name';
    return `refunded ${asked}: ${bare(known['billing']?.value ?? 'unknown')}`;
  });
  const specialists = swarm('specialists', {
    members: { general, refunds },
    entry: 'general',
    hopLimit: 3,
  });
  return performer(
    'desk',
    function* ({ input }: Task<Ticket>, run) {
      tell('the desk', run);
      const found = yield* run.perform(run.team.lookups, { input }, { budget: { tokens: 120 } });
      say(`looked up: ${'output' in found ? found.output : found.status}`);
      const solved = yield* run.perform(run.team.specialists, { input });
      return run.need(solved).output;
    },
    { team: { lookups, specialists } },
  );
};

async function play(stage: Stage): Promise<void> {
  const traces = new Set<string>();
  let tasks = 0;
  stage.system.inspect((event) => {
    if (event.type !== 'delivered' || typeof event.message !== 'object' || event.message === null)
      return;
    if (!('type' in event.message) || event.message.type !== 'task') return;
    tasks += 1;
    traces.add(event.traceparent?.split('-')[1] ?? 'none');
  });
  const state = stage.system.spawn(ticketState(), { id: 'state' });
  const patienceMs = stage.without('limits') ? Infinity : 1_000;
  const logic = team(
    state,
    () => 'hangs',
    (text) => stage.say(text),
    patienceMs,
  );
  const desk = stage.system.spawn(logic, { id: 'desk' });
  const input = { customer: 'c17', text: 'I was charged twice.' };
  const budget = { hops: 8, ...(!stage.without('limits') && { tokens: 500 }) };
  const outcome = await stage.perform(
    desk,
    { goal: 'help', input },
    { deadlineMs: 10_000, budget },
  );
  stage.say(`the customer is told: ${'output' in outcome ? outcome.output : 'nothing'}`);
  const { items } = await stage.run(state.ask({ type: 'read', compartment: 'workflow' }));
  stage.say(
    `in the shared state: ${bare(items.workflow?.lookups?.value ?? 0)} lookups, ` +
      `step ${bare(items.workflow?.step?.value ?? 'open')}`,
  );
  stage.say(`${tasks} tasks, ${traces.size} trace`);
  const { events } = await stage.run(state.ask({ type: 'erase', subject: 'c17' }));
  stage.say(`the customer is forgotten: ${events} event erased`);
}

export default {
  id: 'E9',
  name: 'customer-service',
  shows:
    'Lookups at once, one of which hangs, then a specialist: limits shrink, one trace for all.',
  removable: ['limits'],
  play,
} satisfies Scenario;
