// E11: two teams that hang. In one, A asks B, who asks A; in the other, a report waits for the part
// of somebody who was never started. The static look finds both before anything runs; at run time
// the first is broken up at once, the second raises an alarm, and the missing one is started.

import {
  agentName,
  ask,
  fromHandler,
  reply,
  watchForTrouble,
  type Alarm,
  type AnyRef,
  type PostponeMeta,
  type Ref,
  type ReplyTo,
  type System,
} from 'troupe';
import { performer, type Task } from 'troupe/actors';
import { staticGraph, type StaticAgent } from 'troupe/simulation';
import { assign, sendTo, setup, type AnyActorLogic as Logic } from 'xstate';
import { simulated } from './simulated.ts';
import type { Scenario, Stage } from './stage.ts';

type Question = { readonly type: 'question'; readonly replyTo: ReplyTo<Answer> };
type Answer = { readonly type: 'answer'; readonly text: string };
type Begin = { readonly type: 'begin' };
type Collect = { readonly type: 'collect'; readonly replyTo: ReplyTo<Answer> };
type Part = { readonly type: 'part'; readonly of: string };
type Start = { readonly type: 'start' };

const A = agentName<Ref<Question>>('A');
const B = agentName<Ref<Question>>('B');

/** Asks the other before it answers, and hears nothing meanwhile. */
const asker = (other: typeof A) =>
  setup({
    types: {
      events: {} as Question,
      context: {} as { readonly asked?: ReplyTo<Answer> },
      meta: {} as PostponeMeta<Question>,
    },
    actors: { askOther: ask(other, 'question', { timeoutMs: 10_000 }) },
  }).createMachine({
    context: {},
    initial: 'idle',
    states: {
      idle: {
        on: {
          question: {
            target: 'asking',
            actions: assign(({ event }) => ({ asked: event.replyTo })),
          },
        },
      },
      asking: {
        meta: { postpone: ['question'] },
        invoke: {
          src: 'askOther',
          onDone: { target: 'idle', actions: answering('the other says so') },
          onError: { target: 'idle', actions: answering('I could not ask the other') },
        },
      },
    },
  });

function answering(text: string) {
  return reply({
    to: ({ context }: { context: { asked?: ReplyTo<Answer> } }) => context.asked!,
    with: { type: 'answer', text } as const,
  });
}

/** Answers by itself. */
const knowing = setup({ types: { events: {} as Question } }).createMachine({
  on: { question: { actions: reply({ type: 'answer', text: 'I know' }) } },
});

/** Starts the branches of a report. */
const starter = (system: System) =>
  setup({ types: { events: {} as Start } }).createMachine({
    on: {
      start: {
        actions: [
          sendTo(() => system.ref('/prices') as Ref<Begin>, { type: 'begin' }),
          sendTo(() => system.ref('/stock') as Ref<Begin>, { type: 'begin' }),
        ],
      },
    },
  });

/** A branch: says its part to the report. */
const branch = (system: System, of: string) =>
  setup({ types: { events: {} as Begin } }).createMachine({
    on: {
      begin: { actions: sendTo(() => system.ref('/report') as Ref<Part>, { type: 'part', of }) },
    },
  });

/** Joins two parts; whoever wants them waits until they are there. */
const report = fromHandler({
  initial: (): { readonly parts: readonly string[]; readonly wanted?: Collect } => ({ parts: [] }),
  receive({ parts, wanted }, event: Part | Collect, ctx) {
    if (event.type === 'collect') ctx.defer(event);
    const all = event.type === 'part' ? [...parts, event.of] : parts;
    const request = event.type === 'collect' ? event : wanted;
    if (all.length < 2 || request === undefined) {
      return { parts: all, ...(request !== undefined && { wanted: request }) };
    }
    ctx.reply(request, { type: 'answer', text: all.join(' and ') });
    return { parts: [] };
  },
});

/** Two patients: a circle of questions, and a report that waits for somebody who is not there. */
function patients(system: System, isSick: boolean): readonly (StaticAgent & { logic: Logic })[] {
  const agents = [
    { name: 'A', logic: asker(B), names: ['A'] },
    { name: 'B', logic: isSick ? asker(A) : knowing, names: ['B'] },
    { name: 'starter', logic: starter(system) },
    { name: 'report', logic: report },
    { name: 'prices', logic: branch(system, 'prices') },
  ];
  return isSick ? agents : [...agents, { name: 'stock', logic: branch(system, 'stock') }];
}

/** Gives the two teams their work: the input says to which. */
function ward(system: System, isSick: boolean): AnyRef {
  for (const { name, logic } of patients(system, isSick)) {
    const named = name === 'A' ? { name: A } : name === 'B' ? { name: B } : {};
    system.spawn(logic as typeof report, { id: name, ...named } as { id: string });
  }
  const desk = performer('desk', function* ({ input }: Task<'circle' | 'report'>, { ctx }) {
    if (input === 'circle') {
      const { text } = yield* ctx.ask(A, { type: 'question' }, { timeoutMs: 15_000 });
      return text;
    }
    ctx.send(system.ref('/starter') as Ref<Start>, { type: 'start' });
    const wanted = system.ref('/report') as Ref<Collect>;
    const { text } = yield* ctx.ask(wanted, { type: 'collect' }, { timeoutMs: 15_000 });
    return text;
  });
  return system.spawn(desk, { id: 'desk' });
}

async function play(stage: Stage): Promise<void> {
  const { system } = stage;
  stage.say('before anything runs, the static look says:');
  for (const { kind, message } of staticGraph(patients(system, true)).warnings) {
    stage.say(`  possible ${kind}: ${message}`);
  }
  const desk = ward(system, true);
  if (!stage.without('supervision')) {
    const onAlarm = ({ kind, message }: Alarm): void => {
      stage.say(`the watchdog: ${kind}: ${message}`);
      if (kind !== 'stuck request') return;
      stage.say('the missing branch is started');
      system.spawn(branch(system, 'stock'), { id: 'stock' }).send({ type: 'begin' });
    };
    watchForTrouble(system, { everyMs: 500, stuckMs: 2_000, mayWait: ['task'], onAlarm });
  }
  for (const input of ['circle', 'report'] as const) {
    const task = { goal: `the work of the ${input}`, input };
    const outcome = await stage.perform(desk as never, task, { deadlineMs: 20_000 });
    if (outcome.status === 'done') stage.say(`the answer: ${String(outcome.output)}`);
  }
}

export default {
  id: 'E11',
  name: 'deadlock-clinic',
  shows:
    'A circle of questions and a join without its branch are found before and while they hang.',
  removable: ['supervision'],
  play,
  // The cured teams: no order of events brings the circle or the gap back.
  simulated: simulated({ input: 'report', build: (system) => ward(system, false) }),
} satisfies Scenario;
