// E5: a planner, a researcher, a coder and a reviewer. The coder's tests fail, and the planner, told
// why as data, changes the plan; what it merely repeats is refused. A reviewer who is never content
// is heard three times, a planner with nothing new to say three times, and what there is remains.

import {
  PLAN_DIFF_SHAPE,
  modelAgent,
  performer,
  planDiff,
  type Failure,
  type ModelAgentOptions,
  type ModelStep,
  type Outcome,
  type Plan,
  type PlanDiff,
  type PlanStep,
  type ReplanRequest,
  type Task,
} from 'troupe/actors';
import { choose, type Scenario as Simulated } from 'troupe/simulation';
import { again, first, moreOfTheSame, otherwise, team, type Team } from './coding-team.ts';
import type { Scenario, Stage } from './stage.ts';

function inWords({ id, needs, input }: PlanStep): string {
  if (needs === undefined || input?.from !== 'fields') return id;
  const { approach } = input.fields;
  return `${id} after facts and ${needs.join()}: ${approach?.from === 'literal' ? String(approach.value) : ''}`;
}

const tasks: Readonly<Record<string, string>> = {
  planner: `Change the plan. Answer with JSON of this schema: ${JSON.stringify(PLAN_DIFF_SHAPE)}`,
  coder: 'Answer with one line of JavaScript.',
  reviewer: 'Say "fine", or what must change, in five words.',
};

/** A member as the audience sees it: a model that takes its time. */
function member<TInput, TOutput>(
  stage: Stage,
  name: string,
  takesMs: number,
  says: readonly ModelStep[],
  output?: ModelAgentOptions<TInput, TOutput>['output'],
) {
  const mind = modelAgent<TInput, TOutput>(name, {
    model: stage.model(says),
    instructions: `You are the ${name} of a team that writes a function. ${tasks[name] ?? ''}`,
    ...(output !== undefined && { output }),
  });
  return performer(
    name,
    function* ({ input }: Task<TInput>, run) {
      yield* run.sleep(takesMs);
      return run.need(yield* run.perform(run.team.mind, { input }), 'the model');
    },
    { team: { mind } },
  );
}

async function play(stage: Stage): Promise<void> {
  stage.system.inspect((event) => {
    if (event.type !== 'report' || event.report.label !== 'actors/decision') return;
    const { what, why, plan, failures } = event.report.fields as {
      what: string;
      why: string;
      plan?: Plan;
      failures?: readonly Failure[];
    };
    stage.say(`${what}: ${why}`);
    if (plan !== undefined) stage.say(`the plan: ${plan.steps.map(inWords).join(' | ')}`);
    for (const { code, invalidatedAssumptions = [], retry } of failures?.slice(-1) ?? [])
      if (code !== undefined)
        stage.say(
          `told as data: ${code}; the same again fails: ${retry.sameInputWillFail}; not true: ${invalidatedAssumptions.join()}`,
        );
  });
  const answers = (...diffs: PlanDiff[]): string[] => diffs.map((diff) => JSON.stringify(diff));
  const facts = ['A slug is a title in a URL.', 'Some have accents.'];
  const roundsMax = stage.without('limits') ? Infinity : 3;
  const say = (text: string): void => stage.say(text);
  const acts: (readonly [string, Omit<Team, 'researcher'>])[] = [
    [
      'slugOf(title)',
      {
        planner: member(stage, 'planner', 300, answers(first, moreOfTheSame, otherwise), planDiff),
        coder: member(stage, 'coder', 500, [
          's => s.toLowerCase()',
          'title => title.toLowerCase()',
          "title => title.normalize('NFD').toLowerCase()",
        ]),
        reviewer: member(stage, 'reviewer', 200, ['say what s is', 'fine', 'fine']),
      },
    ],
    [
      'halts(program)',
      {
        planner: member(
          stage,
          'planner',
          300,
          [...answers(first, again, again), ...Array<string>(4).fill('I am at a loss.')],
          planDiff,
        ),
        coder: member(stage, 'coder', 500, Array<string>(1_000).fill('program => true')),
        reviewer: member(stage, 'reviewer', 200, Array<string>(1_000).fill('I doubt it')),
      },
    ],
  ];
  for (const [what, members] of acts) {
    const researcher = member<string, string>(stage, 'researcher', 400, facts);
    const logic = team({ ...members, researcher }, roundsMax, say);
    const budget = { hops: 8, ...(!stage.without('limits') && { tokens: 100_000 }) };
    const outcome = await stage.perform(
      logic,
      { goal: `write ${what}`, input: { what } },
      { deadlineMs: 120_000, budget },
    );
    if ('output' in outcome) stage.say(`there is: ${JSON.stringify(outcome.output)}`);
    if (outcome.status === 'partial')
      for (const { kind, message } of outcome.failures)
        stage.say(`why not more: ${kind}: ${message}`);
  }
}

/** Each member says whatever serves it least. */
function adversary(asked: { count: number }): Team {
  const says = <TInput, TOutput>(name: string, options: readonly TOutput[]) =>
    performer<TInput, TOutput>(name, () => choose(name, options));
  const giveUp: PlanDiff = { reason: 'it is hard', giveUp: 'it is too hard' };
  const coded = ['title => title', "title => title.normalize('NFD').toLowerCase()"];
  return {
    planner: performer('planner', ({ input }: Task<ReplanRequest>) => {
      asked.count += 1;
      return choose(
        'planner',
        input.plan.steps.length === 0 ? [first, again] : [again, moreOfTheSame, otherwise, giveUp],
      );
    }),
    researcher: says('researcher', ['nothing']),
    coder: says('coder', coded),
    reviewer: says('reviewer', ['fine', 'I doubt it']),
  };
}

const outcomes: Outcome[] = [];
const asked = { count: 0 };
const simulated: Simulated = {
  name: 'plan and execute',
  setup({ spawn, client }) {
    outcomes.length = 0;
    asked.count = 0;
    const host = spawn(team(adversary(asked), 2), { id: 'team' });
    client('boss', function* (ctx) {
      const task = { id: 't', goal: 'write it', input: { what: 'slugOf' } };
      const request = { type: 'task', task, by: ctx.self, timeoutMs: 60_000 } as const;
      outcomes.push((yield* ctx.ask(host, request, { timeoutMs: Infinity })).outcome);
    });
  },
  eventually: {
    'the task is settled, once': () => outcomes.length === 1,
    'it is done, or says what is missing': () =>
      outcomes.every((outcome) => outcome.status !== 'partial' || outcome.failures.length > 0),
    'the planner was asked no more often than it may be': () => asked.count <= 4,
  },
};

export default {
  id: 'E5',
  name: 'plan-and-execute',
  shows: 'A plan is changed for one that differs; repeating it is refused, and that ends honestly.',
  removable: ['limits'],
  play,
  simulated,
} satisfies Scenario;
