/** H01, H03, H06, S01 and S03 as machines: what goes round is the same, whatever an agent is made of. */
import { assign, setup } from 'xstate';
import { here, type PostponeMeta } from 'troupe';
import { choose, done, progress, task, type Scenario } from 'troupe/simulation';
import { pair as h01 } from '../h01-ping-pong.ts';
import { pair as h03 } from '../h03-refinement.ts';
import { pair as h06 } from '../h06-triage.ts';
import { at, type Tell } from '../notation.ts';
import type { Pair } from '../pair.ts';
import { pair as s01 } from '../s01-priority.ts';
import { pair as s03 } from '../s03-busy-poll.ts';

type Task = { readonly type: 'task'; readonly hops: number };

const pingPong = (step: number): Scenario => ({
  name: `H01 as machines, which count in steps of ${step}`,
  setup(stage) {
    task('t');
    const peer = (other: string) =>
      setup({
        types: { events: {} as Task },
        actions: {
          finish: () => done('t'),
          handOn: ({ event }) =>
            here().send(at<Task>(stage, other), { type: 'task', hops: event.hops + step }),
        },
        guards: { isEnough: ({ event }) => event.hops >= 6 },
      }).createMachine({
        on: { task: [{ guard: 'isEnough', actions: 'finish' }, { actions: 'handOn' }] },
      });
    const a = stage.spawn(peer('B'), { id: 'A' });
    stage.spawn(peer('A'), { id: 'B' });
    stage.send(a, { type: 'task', hops: 0 });
  },
});

type Draft = { readonly type: 'draft' | 'review'; readonly score: number };

const refinement = (better: (score: number) => number, enough: number): Scenario => ({
  name: `H03 as machines, until ${enough}`,
  setup(stage) {
    task('text');
    const writer = setup({ types: { events: {} as Draft } }).createMachine({
      on: {
        draft: {
          actions: ({ event }) =>
            here().send(at<Draft>(stage, 'Cr'), { type: 'review', score: better(event.score) }),
        },
      },
    });
    const critic = setup({ types: { events: {} as Draft } }).createMachine({
      on: {
        review: [
          { guard: ({ event }) => event.score >= enough, actions: () => done('text') },
          {
            actions: ({ event }) =>
              here().send(at<Draft>(stage, 'Wr'), { type: 'draft', score: event.score }),
          },
        ],
      },
    });
    stage.spawn(writer, { id: 'Wr' });
    stage.spawn(critic, { id: 'Cr' });
    stage.send(at<Draft>(stage, 'Wr'), { type: 'draft', score: 3 });
  },
});

type Specialist = 'S1' | 'S2';
type Case = { readonly type: 'case'; readonly seen: readonly Specialist[] };

const triage = (optionsOf: (seen: readonly Specialist[]) => readonly Specialist[]): Scenario => ({
  name: 'H06 as machines',
  setup(stage) {
    const all: readonly Specialist[] = ['S1', 'S2'];
    task('case');
    const t = setup({ types: { events: {} as Case } }).createMachine({
      on: {
        case: [
          { guard: ({ event }) => optionsOf(event.seen).length === 0, actions: () => done('case') },
          {
            actions: ({ event: { seen } }) =>
              here().send(at<Case>(stage, choose('route', optionsOf(seen))), {
                type: 'case',
                seen,
              }),
          },
        ],
      },
    });
    const specialist = (self: Specialist) =>
      setup({ types: { events: {} as Case } }).createMachine({
        on: {
          case: {
            actions: ({ event: { seen } }) => {
              if (self === 'S2' && choose('outcome', ['solved', 'not solved']) === 'solved')
                done('case');
              else
                here().send(at<Case>(stage, 'T'), {
                  type: 'case',
                  seen: all.filter((one) => one === self || seen.includes(one)),
                });
            },
          },
        },
      });
    stage.spawn(t, { id: 'T' });
    for (const self of all) stage.spawn(specialist(self), { id: self });
    stage.send(at<Case>(stage, 'T'), { type: 'case', seen: [] });
  },
});

type Work = Tell<'tick' | 'job'>;

const priority = (ticksMax: number): Scenario => ({
  name: `S01 as a machine, with at most ${ticksMax} ticks before a job`,
  setup(stage) {
    task('job');
    const worker = setup({
      types: {
        context: {} as { readonly ticks: number },
        events: {} as Work,
        meta: {} as PostponeMeta<Work>,
      },
      actions: {
        tick: () => {
          progress();
          here().send(at<Work>(stage, 'W'), { type: 'tick' });
        },
        count: assign({ ticks: ({ context }) => Math.min(context.ticks + 1, 5) }),
      },
      guards: { isOld: ({ context }) => context.ticks >= ticksMax },
    }).createMachine({
      context: { ticks: 0 },
      initial: 'ticking',
      states: {
        ticking: {
          meta: { postpone: ['job'] },
          on: { tick: { actions: ['tick', 'count'] } },
          always: { guard: 'isOld', target: 'serving' },
        },
        serving: {
          on: { tick: { actions: 'tick' }, job: { target: 'over', actions: () => done('job') } },
        },
        over: { on: { tick: {} } },
      },
    });
    const w = stage.spawn(worker, { id: 'W' });
    stage.send(w, { type: 'tick' });
    stage.send(w, { type: 'job' });
  },
});

type Flagged = Tell<'poll' | 'flag'>;

const polling = (goes: boolean): Scenario => ({
  name: `S03 as machines, ${goes ? 'with a go' : 'where nobody begins'}`,
  setup(stage) {
    task('consumed');
    const producer = setup({ types: { events: {} as Tell<'ready' | 'go'> } }).createMachine({
      on: { '*': { actions: () => here().send(at<Flagged>(stage, 'Cn'), { type: 'flag' }) } },
    });
    const consumer = setup({ types: { events: {} as Flagged } }).createMachine({
      initial: 'waiting',
      states: {
        waiting: {
          on: {
            flag: 'ready',
            poll: { actions: () => here().send(at<Flagged>(stage, 'Cn'), { type: 'poll' }) },
          },
        },
        ready: {
          on: {
            flag: {},
            poll: {
              actions: () => {
                here().send(at<Tell<'ready'>>(stage, 'Pr'), { type: 'ready' });
                done('consumed');
              },
            },
          },
        },
      },
    });
    const pr = stage.spawn(producer, { id: 'Pr' });
    stage.send(stage.spawn(consumer, { id: 'Cn' }), { type: 'poll' });
    if (goes) stage.send(pr, { type: 'go' });
  },
});

export const goingRound: readonly Pair[] = [
  { ...h01, buggy: pingPong(0), correct: pingPong(1) },
  {
    ...h03,
    buggy: refinement((score) => (score === 3 ? 4 : 3), 5),
    correct: refinement((score) => score + 1, 15),
  },
  {
    ...h06,
    buggy: triage(() => ['S1', 'S2']),
    correct: triage((seen) => (['S1', 'S2'] as const).filter((one) => !seen.includes(one))),
  },
  { ...s01, buggy: priority(Infinity), correct: priority(3) },
  { ...s03, buggy: polling(false), correct: polling(true) },
];
