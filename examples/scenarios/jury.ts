// E13: three judges vote on each text. A majority decides; a judge who keeps silent loses the vote,
// and a tie is no decision: it goes to a person.

import type { AnyRef, System } from 'troupe';
import {
  ensemble,
  join,
  modelAgent,
  performer,
  scripted,
  vote,
  type LanguageModel,
  type Task,
} from 'troupe/actors';
import { choose } from 'troupe/simulation';
import { z } from 'zod';
import { anyOf, simulated } from './simulated.ts';
import type { Scenario, Stage } from './stage.ts';

const verdict = z.enum(['accept', 'reject']);
type Ruling = z.infer<typeof verdict>;

const RULINGS = [verdict.enum.accept, verdict.enum.reject];

interface Court {
  readonly models: readonly [LanguageModel, LanguageModel, LanguageModel];
  readonly isLimited: boolean;
  readonly say: (text: string) => void;
  /** What a person decides when the judges cannot. */
  readonly person: (text: string) => Ruling;
}

function court(system: System, { models, isLimited, say, person }: Court): AnyRef {
  const judgeWith = (model: LanguageModel, manner: string) =>
    modelAgent<string, Ruling>(manner, {
      model,
      instructions: `You are a ${manner} judge of texts. Answer "accept" or "reject", as JSON.`,
      output: verdict,
    });
  const [first, second, third] = models;
  const jury = ensemble('jury', {
    members: {
      strict: judgeWith(first, 'strict'),
      kind: judgeWith(second, 'kind'),
      fair: judgeWith(third, 'fair'),
    },
    join: join.all(),
    ...(isLimited && { timeoutMs: 2_000 }),
    collect: vote<Ruling>(),
  });
  const chief = performer('chief', ({ input }: Task<string>) => person(input));
  return system.spawn(
    performer(
      'court',
      function* ({ input }: Task<string>, run) {
        const ruled = yield* run.perform(run.team.jury, { input });
        if (ruled.status === 'done' || ruled.status === 'partial') {
          const without = ruled.status === 'done' ? '' : `, without ${ruled.missing.join(', ')}`;
          say(`the judges: ${ruled.output}${without}`);
          return ruled.output;
        }
        const why = ruled.status === 'failed' ? ruled.failure.message : ruled.reason;
        run.decide('ask a person', why);
        say(`no decision (${why}): a person is asked`);
        return run.need(yield* run.perform(run.team.chief, { input }));
      },
      { team: { jury, chief } },
    ),
    { id: 'court' },
  );
}

async function play(stage: Stage): Promise<void> {
  const { system } = stage;
  const yes = '"accept"';
  const no = '"reject"';
  const bench = court(system, {
    models: [
      stage.model([no, no, no]),
      stage.model([yes, yes, yes]),
      silentAfter(1, stage.model([yes]), stage),
    ],
    isLimited: !stage.without('limits'),
    say: (text) => stage.say(text),
    person: (text) => {
      stage.say(`a person reads "${text}" and accepts it`);
      return 'accept';
    },
  });
  for (const text of ['Otters use stones.', 'Otters are cats.']) {
    stage.say(`the text: "${text}"`);
    const options = { deadlineMs: 20_000, budget: { tokens: 20_000, hops: 6 } };
    await stage.perform(bench as never, { goal: 'judge the text', input: text }, options);
  }
}

/** A model that answers so often, and then never again. */
function silentAfter(answers: number, model: LanguageModel, stage: Stage): LanguageModel {
  let calls = 0;
  const { specificationVersion, provider, modelId, supportedUrls } = model;
  const about = { specificationVersion, provider, modelId, supportedUrls };
  return {
    ...about,
    doStream: (call) => model.doStream(call),
    doGenerate(call) {
      calls += 1;
      if (calls <= answers) return model.doGenerate(call);
      stage.say('the fair judge keeps silent');
      return new Promise((_, reject) => {
        const giveUp = (): void => reject(call.abortSignal?.reason as Error);
        call.abortSignal?.addEventListener('abort', giveUp, { once: true });
      });
    },
  };
}

const underAllOrders = simulated({
  input: 'Otters use stones.',
  build: (system) =>
    court(system, {
      models: [scripted([], 'one'), scripted([], 'two'), scripted([], 'three')],
      isLimited: true,
      say: () => undefined,
      person: () => choose('the person', RULINGS),
    }),
  effects: {
    'model/one': anyOf('"accept"', '"reject"'),
    'model/two': anyOf('"accept"', 'I do not know'),
    'model/three': anyOf('"reject"'),
  },
  holds: {
    // Time may pass for everybody, the person too; but what is ruled is ruled by somebody.
    'what comes is a ruling, or the lack of one': (outcome) =>
      outcome.status === 'failed' ||
      ('output' in outcome && verdict.safeParse(outcome.output).success),
  },
});

export default {
  id: 'E13',
  name: 'jury',
  shows: 'A majority of three judges decides; a tie goes to a person.',
  removable: ['limits'],
  play,
  simulated: underAllOrders,
} satisfies Scenario;
