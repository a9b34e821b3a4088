// E6: four sources are searched at the same time through one search API, which lets a few in at a
// time. The report is there when the slowest of them is; without a source that keeps silent it is
// partial and says so; and three of four can be enough.

import type { AnyRef, System, Wait } from 'troupe';
import {
  ensemble,
  join,
  judge,
  limited,
  limiter,
  modelAgent,
  performer,
  scripted,
  TaskFailed,
  type Candidates,
  type Join,
  type LanguageModel,
  type LimiterRef,
  type Task,
  type TaskRun,
} from 'troupe/actors';
import { choose } from 'troupe/simulation';
import { anyOf, simulated } from './simulated.ts';
import type { Scenario, Stage } from './stage.ts';

/** How long each source takes, once it is let in. */
const SOURCES = { academic: 700, news: 400, social: 500, competitors: 600 } as const;
type Source = keyof typeof SOURCES;
type Search = (source: Source, run: TaskRun) => Generator<Wait<unknown>, string, unknown>;

/** Two searches at a time, and one more each tenth of a second. */
const API = { perSecond: 10, burst: 2 };

interface Desk {
  readonly id: string;
  readonly join: Join;
  readonly search: Search;
  readonly timeoutMs?: number;
}

function desk(
  system: System,
  model: LanguageModel,
  { id, join: policy, search, timeoutMs }: Desk,
): AnyRef {
  const analyst = modelAgent<Candidates<string>>('analyst', {
    model,
    instructions: 'You write one sentence about what was found.',
  });
  const member = (source: Source) =>
    performer(source, function* (_: Task<string>, run) {
      return yield* search(source, run);
    });
  return system.spawn(
    ensemble('research', {
      members: {
        academic: member('academic'),
        news: member('news'),
        social: member('social'),
        competitors: member('competitors'),
      },
      join: policy,
      ...(timeoutMs !== undefined && { timeoutMs }),
      collect: judge<string, string>(analyst),
    }),
    { id },
  );
}

async function play(stage: Stage): Promise<void> {
  const { system } = stage;
  const limits = system.spawn(limiter({ search: API }), { id: 'limits' });
  let lastTwoMs: number[] = [];
  let silent: Source | undefined;
  /** The API turns away whoever comes too fast. */
  const ask: Search = function* (source, run) {
    const [before = -Infinity] = lastTwoMs.length < 2 ? [] : lastTwoMs;
    if (stage.nowMs - before < 100) {
      stage.say(`${source} is turned away: 429, too many searches`);
      const message = 'too many searches';
      throw new TaskFailed({ kind: 'rateLimited', message, effect: 'none' });
    }
    lastTwoMs = [...lastTwoMs, stage.nowMs].slice(-2);
    stage.say(`${source} is let in`);
    yield* run.sleep(source === silent ? Infinity : SOURCES[source]);
    stage.say(`${source} has found something`);
    return `what ${source} says`;
  };
  const search: Search = (source, run) =>
    stage.without('limits')
      ? ask(source, run)
      : limited(run, limits as LimiterRef, 'search', () => ask(source, run));
  const sentence = 'Electric bicycles sell better than cars.';
  const model = stage.model([sentence, sentence, sentence]);
  const timeoutMs = stage.without('limits') ? {} : { timeoutMs: 2_000 };
  const options = { deadlineMs: 20_000, budget: { tokens: 10_000, hops: 5 } };
  const research = async (question: string, policy: Join) => {
    stage.say(question);
    lastTwoMs = [];
    const startedMs = stage.nowMs;
    const id = question.toLowerCase().replaceAll(/\W+/g, '-').replace(/-$/, '');
    const team = desk(system, model, { id, join: policy, search, ...timeoutMs });
    await stage.perform(team as never, { goal: question, input: question }, options);
    const all = Object.values(SOURCES).reduce((sum, ms) => sum + ms, 0);
    const tookMs = stage.nowMs - startedMs;
    stage.say(`it took ${tookMs} ms; one after the other it would be at least ${all} ms`);
  };
  await research('All four sources:', join.all());
  silent = 'social';
  await research('One of them keeps silent:', join.all());
  await research('Three of four are enough:', join.quorum(3));
}

const underAllOrders = simulated({
  input: 'bicycles',
  build: (system) =>
    desk(system, scripted([]), {
      id: 'desk',
      join: join.quorum(3),
      timeoutMs: 2_000,
      *search(source, run) {
        const does = choose(source, ['finds', 'fails', 'keeps silent']);
        if (does === 'fails') throw new Error('no answer');
        if (does === 'keeps silent') yield* run.sleep(Infinity);
        return `what ${source} says`;
      },
    }),
  effects: { 'model/scripted': anyOf('Bicycles sell well.') },
  holds: {
    'what is done was written': ({ status, ...rest }) =>
      status !== 'done' || ('output' in rest && rest.output === 'Bicycles sell well.'),
  },
});

export default {
  id: 'E6',
  name: 'research',
  shows: 'Four sources take as long as the slowest; a silent one is named in a partial report.',
  removable: ['limits'],
  play,
  simulated: underAllOrders,
} satisfies Scenario;
