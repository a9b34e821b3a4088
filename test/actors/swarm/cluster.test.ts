// A task that is handed off over nodes has one owner at a time, whatever breaks, and whenever; and
// who asked is told how it ended, once.

import type { System } from 'troupe';
import {
  handoff,
  handoffOf,
  perform,
  performer,
  seat,
  swarm,
  type Outcome,
  type SeatRef,
  type Task,
} from 'troupe/actors';
import type { ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage } from '../../transport/cast.ts';

const WAY_MS = 10;
const [TURN_MS, OFFER_MS] = [100, 80];
let stage: Stage;
let here: { system: System; node: ClusterNode };
let atWork: string[];
let begun: string[];

/** Works for so long, and is at work until its run has ended. */
function member(name: string, workMs: number, end: (task: Task<unknown>) => unknown) {
  return performer(name, function* (task: Task<unknown>, run) {
    begun.push(name);
    atWork.push(name);
    run.signal.addEventListener('abort', () => atWork.splice(atWork.indexOf(name), 1));
    yield* run.sleep(workMs);
    return end(task);
  });
}

beforeEach(async () => {
  stage = new Stage();
  atWork = [];
  begun = [];
  const there = await stage.join('there');
  here = await stage.join('here', { seeds: ['memory:there'] });
  for (const [name, workMs] of [
    ['helper', 30],
    ['silent', 1e6],
  ] as const)
    there.system.spawn(seat(member(name, workMs, () => 'helped')), { id: name });
  await stage.advance(10);
  delay(WAY_MS);
});
afterEach(() => stage.stop());

function delay(ms: number): void {
  stage.network.way('here', 'there').delayMs = ms;
  stage.network.way('there', 'here').delayMs = ms;
}

/** The chief delegates to a helper there and ends by itself; something happens after so many milliseconds. */
async function play(helper: string, afterMs: number, happen: () => void): Promise<Outcome[]> {
  const chief = member('chief', 10, (task) =>
    handoffOf(task)!.move === 'transfer'
      ? handoff('helper', { reason: 'help me', mode: 'delegate' })
      : (handoffOf(task)!.results[0]?.value ?? 'alone'),
  );
  const desk = swarm('desk', {
    members: { chief, helper: { seat: here.node.ref(`there/${helper}`) as SeatRef } },
    entry: 'chief',
    turnMs: TURN_MS,
    offerMs: OFFER_MS,
  });
  const outcomes: Outcome[] = [];
  const options = { deadlineMs: 2_000 };
  const task = { goal: 'be helped', input: undefined as never };
  void perform(here.system, desk, task, options).then((outcome) => outcomes.push(outcome));
  for (let ms = 0; ms < 600; ms += 1) {
    if (ms === afterMs) happen();
    await stage.advance(1);
    expect(atWork.length, atWork.join(' and ')).toBeLessThanOrEqual(1);
  }
  await stage.advance(40_000);
  expect(atWork).toEqual([]);
  expect(begun.filter((name) => name === helper).length).toBeLessThanOrEqual(1);
  return outcomes;
}

it('is helped there, and ends here', async () => {
  const [outcome] = await play('helper', 0, () => undefined);
  expect(outcome).toMatchObject({ status: 'done', output: { output: 'helped', by: 'chief' } });
});

const moments = Array.from({ length: 14 }, (_, index) => index * 6);
const breaks: Record<string, () => void> = {
  'the link breaks': () => stage.network.sever('here', 'there'),
  'all is lost on the link from then on': () => stage.network.cut('here', 'there'),
  'the link becomes slow': () => delay(60),
  'the link becomes slower than an offer waits': () => delay(100),
};
describe.each(['helper', 'silent'])('with a %s member there', (helper) => {
  it.each(Object.keys(breaks).flatMap((what) => moments.map((atMs) => [what, atMs] as const)))(
    'has one owner, and ends once: %s after %i ms',
    async (what, atMs) => {
      const outcomes = await play(helper, atMs, breaks[what]!);
      expect(outcomes).toHaveLength(1);
      expect(outcomes[0]).toMatchObject({ status: 'done', output: { by: 'chief' } });
    },
  );
});
