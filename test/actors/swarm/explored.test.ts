// Every order of events, every crash, loss and choice of way that the search reaches: one owner at a
// time (P4), one outcome (P1), and never more handoffs than are allowed (P2).

import type { Wait } from 'troupe';
import {
  handoff,
  handoffOf,
  performer,
  seat,
  swarm,
  type Outcome,
  type SeatRef,
  type PerformerRef,
  type SwarmMembers,
  type Task,
} from 'troupe/actors';
import { choose, explain, explore, type Scenario, type Stage } from 'troupe/simulation';
import { expect, it } from 'vitest';

const HOP_LIMIT = 3;
let outcomes: Outcome[] = [];
let turns = 0;

/** Where the task goes is chosen against the swarm. */
const member = (name: string) =>
  performer(name, function* (_: Task<number>, run) {
    turns += 1;
    yield* run.sleep(5);
    const way = choose('way', ['end', 'a', 'b', 'fail'] as const);
    if (way === 'fail') throw new Error('failed');
    if (way === 'end') return 'done';
    const mode = choose('mode', ['transfer', 'delegate'] as const);
    return handoff(way, { reason: 'chosen', mode, result: turns });
  });

const team = (members: SwarmMembers) =>
  swarm('team', {
    members,
    entry: 'a',
    hopLimit: HOP_LIMIT,
    visitsMax: 9,
    turnMs: 100,
    offerMs: 50,
  });

/** The runs of members that are at work: the owners. A member is in its seat, or at the top as `at-a`. */
const owners = (agents: readonly string[]) =>
  agents.filter((path) => /(?:member|at-[ab])\/\$\d+$/.test(path));

type Setup = (stage: Stage) => SwarmMembers;
/** The members of a swarm have their seats in it; where the task goes is chosen against them. */
const seated: Setup = () => ({ a: member('a'), b: member('b') });

/** Delegates to `b`, and ends with what comes back, or without. */
const chief = performer('chief', function* (task: Task<unknown>, run) {
  turns += 1;
  yield* run.sleep(5);
  const isFirst = handoffOf(task)?.move === 'transfer';
  return isFirst ? handoff('b', { reason: 'help me', mode: 'delegate' }) : 'done';
});
const helper = performer('helper', function* (_: Task<unknown>, run) {
  turns += 1;
  yield* run.sleep(20);
  return 'helped';
});
/** They live for themselves, and only their seats are in it. */
const apart: Setup = ({ spawn }) => ({
  a: spawn(chief, { id: 'at-a' }),
  b: spawn(helper, { id: 'at-b' }),
});
/** One of them has its seat on another node. */
const far: Setup = ({ at }) => {
  const there = at('there').spawn(seat(helper), { id: 'far' });
  return { a: chief, b: { seat: at('here').node.ref(there.address) as SeatRef } };
};

function scenario(
  name: string,
  setup: Setup,
  faults: NonNullable<Scenario['faults']>,
  links?: readonly string[],
): Scenario {
  return {
    name,
    ...(links === undefined ? {} : { links }),
    setup(stage) {
      outcomes = [];
      turns = 0;
      const { spawn, client } = links === undefined ? stage : stage.at('here');
      const host = spawn(team(setup(stage)), { id: 'host' }) as PerformerRef<unknown, unknown>;
      client('boss', function* (ctx): Generator<Wait<unknown>, void, unknown> {
        const task = { id: 't', goal: 'pass it on', input: 1 };
        try {
          const asked = { type: 'task', task, by: ctx.self, timeoutMs: 2_000 } as const;
          outcomes.push((yield* ctx.ask(host, asked, { timeoutMs: Infinity })).outcome);
        } catch (error) {
          outcomes.push({ status: 'cancelled', taskId: 't', spent: {}, reason: String(error) });
        }
      });
    },
    faults,
    allow: { crashes: ['*'], deadLetters: ['*'] },
    invariant: { 'the task has one owner': ({ agents }) => owners(agents).length <= 1 },
    eventually: {
      'the task is settled, once': () => outcomes.length === 1,
      'nobody is left with it': ({ agents }) => owners(agents).length === 0,
      // Returns go back up; each answers a delegation that was counted.
      'the hops are kept': () => turns <= 1 + 2 * HOP_LIMIT,
    },
  };
}

const between = ['host/$*>host/team/*', 'host/team/*>host/$*'];
const link = ['here<->there'];
it.each([
  scenario('whoever is chosen', seated, {}),
  scenario('whoever of the members crashes', seated, { crash: { of: ['host/team/*'], max: 2 } }),
  scenario('whose seat crashes', apart, { crash: { of: ['host/team/*'], max: 2 } }),
  scenario('when the swarm crashes', seated, { crash: { of: ['host', 'host/$*'], max: 2 } }),
  scenario('whatever is lost on the way', seated, { drop: { on: between, max: 2 } }),
  scenario('whatever comes twice', seated, { duplicate: { on: between, max: 2 } }),
  scenario('when a link breaks', far, { cut: { on: link, max: 2 } }, link),
  scenario(
    'when frames are lost',
    far,
    { drop: { on: ['here>there', 'there>here'], max: 2 } },
    link,
  ),
  scenario(
    'when nodes are parted for a while',
    far,
    { partition: { groups: [['here'], ['there']], max: 1 } },
    link,
  ),
])('a task has one owner, $name', (each) => {
  const report = explore(each, { schedules: 200, exhaustiveMs: 300 });
  expect(report.failure && explain(report)).toBeUndefined();
});
