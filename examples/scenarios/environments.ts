// E12: one desk, three environments. Files say who is there and what may be spent; a start without
// its key fails and names it; and the key is in nothing that anybody could read.

import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { fromHandler, MemoryStore } from 'troupe';
import {
  diffConfigs,
  gate,
  InvalidConfig,
  loadConfig,
  performer,
  Secret,
  TaskFailed,
  type Config,
  type Outcome,
  type Task,
} from 'troupe/actors';
import { choose } from 'troupe/simulation';
import { z } from 'zod';
import type { Scenario, Stage } from './stage.ts';

const schema = z.object({
  model: z.object({ endpoint: z.url(), key: z.instanceof(Secret) }),
  limits: z.object({ tokens: z.coerce.number().int().positive() }),
  flags: z.object({ summaries: z.boolean() }),
});
type Desk = Config<z.infer<typeof schema>>;
const folder = fileURLToPath(new URL('environments', import.meta.url));
const spec = {
  name: 'desk',
  schema,
  secrets: ['model.key'],
  variables: { 'model.key': 'DESK_KEY' },
};
const load = (environment: string, variables: Readonly<Record<string, string>>): Desk =>
  loadConfig(spec, { environment, folder, variables });

/** The one specification. What it is shown of the configuration is the part about the model. */
const desk = (
  config: Desk,
  shown: unknown = config.scope('model'),
  summary: () => 'done' | 'failed' = () => 'done',
) => {
  const answer = performer('answer', ({ input }: Task<string>, run) => {
    run.progress('asks the model', { shown });
    run.spend({ tokens: 60 });
    return `${input} So as not to drift apart while they sleep.`;
  });
  const summarise = performer('summarise', ({ input }: Task<string>, run) => {
    run.spend({ tokens: 70 });
    if (summary() === 'failed') throw new TaskFailed({ kind: 'modelRefusal', message: 'no' });
    return input.replace(/.*\? /, '').replace(' while they sleep', '');
  });
  const team = gate(config, { answer, summarise }, { summarise: 'summaries' });
  return performer(
    'desk',
    function* ({ input }: Task<string>, run) {
      const text = run.need(yield* run.perform(run.team.answer, { input }));
      if (run.team.summarise === undefined) return text;
      const short = yield* run.perform(run.team.summarise, { input: text });
      if (short.status === 'done') return short.output;
      const failures = short.status === 'failed' ? [short.failure] : [];
      return run.partial(text, { missing: ['the summary'], failures });
    },
    { team },
  );
};

/** Keeps what it was shown, in its snapshot. */
const memo = (shown: unknown) =>
  fromHandler({ initial: () => ({ shown }), receive: () => undefined });

async function play(stage: Stage): Promise<void> {
  const written: string[] = [];
  stage.system.inspect((event) => {
    written.push(inspect(event, { depth: 9 }));
    if (event.type === 'crashed') stage.say(`${event.path}: ${String(event.error)}`);
  });
  const store = new MemoryStore();

  try {
    load('production', {});
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error;
    stage.say(`production does not start: ${error.problems.join('; ')}`);
  }

  const keyOf = (environment: string) => `sk-${environment}-7f3a`;
  const configs = ['dev', 'staging', 'production'].map((each) =>
    load(each, { DESK_KEY: keyOf(each) }),
  );
  for (const config of configs) {
    const { environment, value } = config;
    const { tokens } = value.limits;
    const summaries = config.enabled('summaries') ? 'on' : 'off';
    stage.say(
      `${environment}: ${tokens} tokens (${config.origin('limits.tokens')}), summaries ${summaries} ` +
        `(${config.origin('flags.summaries')}), key ${value.model.key.toString()}`,
    );
    // Without the guard of its handle the key is a text like any other.
    const { key } = value.model;
    const shown = stage.without('guard') ? { key: key.reveal() } : config.scope('model');
    if (environment === 'production') {
      stage.system.spawn(memo(shown), { id: 'memo', persist: { store, key: 'memo' } });
    }
    const ref = stage.system.spawn(desk(config, shown), { id: `desk-${environment}` });
    const budget = { hops: 4, ...(!stage.without('limits') && { tokens }) };
    const task = { goal: 'answer', input: 'Why do otters hold hands?' };
    const outcome = await stage.perform(ref, task, { budget });
    stage.say(`${environment}: ${'output' in outcome ? outcome.output : outcome.status}`);
  }

  const [, staging, production] = configs;
  for (const { path, left, right } of diffConfigs(staging!, production!)) {
    stage.say(`staging | production: ${path} is ${String(left?.value)} | ${String(right?.value)}`);
  }
  const snapshots = store.keys().map((each) => inspect(store.load(each), { depth: 9 }));
  const leaks = (texts: readonly string[]) =>
    texts.filter((text) => configs.some(({ environment }) => text.includes(keyOf(environment))));
  stage.say(
    `keys in logs and traces: ${leaks(written).length > 0 ? 'yes' : 'none'}; ` +
      `in snapshots: ${leaks(snapshots).length > 0 ? 'yes' : 'none'}`,
  );
}

const outcomes: Outcome[] = [];

export default {
  id: 'E12',
  name: 'environments',
  shows: 'One desk in three environments: flags gate agents, budgets differ, and no key leaks.',
  removable: ['guard', 'limits'],
  play,
  simulated: {
    name: 'a desk with an experimental agent that fails when it likes, and one without',
    setup({ spawn, client }) {
      outcomes.length = 0;
      for (const environment of ['staging', 'production']) {
        const flags = { summaries: environment === 'staging' };
        const model = { endpoint: 'https://models.example.org' };
        const defaults = { model, limits: { tokens: 200 }, flags };
        const variables = { DESK_KEY: 'sk' };
        const config = loadConfig(spec, { environment, defaults, variables });
        const summary = () => choose('summary', ['done', 'failed']);
        const ref = spawn(desk(config, undefined, summary), { id: environment });
        client(`${environment}-client`, function* (ctx) {
          const task = { id: environment, goal: 'answer', input: 'Why?' };
          const asked = { type: 'task', task, by: ctx.self, timeoutMs: Infinity } as const;
          outcomes.push((yield* ctx.ask(ref, asked, { timeoutMs: Infinity })).outcome);
        });
      }
    },
    eventually: {
      'both desks answer, with a summary or without': () =>
        outcomes.length === 2 && outcomes.every((outcome) => 'output' in outcome),
    },
  },
} satisfies Scenario;
