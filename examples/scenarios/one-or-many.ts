// E14: the same job for one agent and for a team of three, and what the team costs more. A provider
// fails once in each, and is asked again.

import type { AnyRef, InspectionEvent, System } from 'troupe';
import {
  modelAgent,
  pipeline,
  scripted,
  type LanguageModel,
  type ModelStep,
  type Task,
} from 'troupe/actors';
import { anyOf, simulated } from './simulated.ts';
import type { Scenario, Stage } from './stage.ts';

const overloaded = () => Object.assign(new Error('overloaded'), { statusCode: 503 });

/** One agent does it all. */
function single(system: System, model: LanguageModel): AnyRef {
  const instructions = 'Write a sentence about the topic, criticise it, and give the better one.';
  return system.spawn(modelAgent<string>('generalist', { model, instructions }), { id: 'single' });
}

/** Each does one part of it. */
function team(system: System, model: LanguageModel): AnyRef {
  const part = (name: string, instructions: string) =>
    modelAgent<string>(name, { model, instructions });
  return system.spawn(
    pipeline('team')
      .stage('write', { performer: part('writer', 'Write a sentence about the topic.') })
      .stage('criticise', { performer: part('critic', 'Say what is wrong with the sentence.') })
      .stage('improve', { performer: part('editor', 'Write it better.') })
      .build(),
    { id: 'team' },
  );
}

/** What one run has cost. */
class Costs {
  messages = 0;
  bytes = 0;
  tasks = 0;
  calls = 0;

  note(event: InspectionEvent): void {
    if (event.type !== 'delivered') return;
    this.messages += 1;
    this.bytes += Buffer.byteLength(JSON.stringify(event.message) ?? '');
    const { message } = event as { message: { type?: string; task?: Task } };
    if (message.type !== 'task') return;
    this.tasks += 1;
    if (event.to.endsWith('/team/model')) this.calls += 1;
  }
}

async function play(stage: Stage): Promise<void> {
  const rows: [string, ...(string | number)[]][] = [];
  const job = 'otters';
  const act = async (name: string, ref: AnyRef): Promise<void> => {
    const costs = new Costs();
    const stop = stage.system.inspect((event) => costs.note(event));
    const startedMs = stage.nowMs;
    const options = { deadlineMs: 60_000, budget: { tokens: 20_000, hops: 6 } };
    const outcome = await stage.perform(
      ref as never,
      { goal: 'a good sentence', input: job },
      options,
    );
    stop();
    const { messages, bytes, tasks, calls } = costs;
    const tokens = outcome.spent['tokens'] ?? 0;
    rows.push([name, calls, tokens, tasks, messages, bytes, stage.nowMs - startedMs]);
    if ('output' in outcome) stage.say(`${name}: "${String(outcome.output)}"`);
  };
  const better = 'Otters hold hands when they sleep.';
  const steps: readonly ModelStep[] = [overloaded(), better];
  await act('one agent', single(stage.system, stage.model(steps)));
  const draft = 'Otters sleep.';
  const parts: readonly ModelStep[] = [draft, overloaded(), 'It says too little.', better];
  await act('a team', team(stage.system, stage.model(parts)));

  const head = ['', 'model calls', 'tokens', 'tasks', 'messages', 'bytes', 'ms'];
  for (const row of [head, ...rows]) {
    stage.say(row.map((cell, index) => `${cell}`.padStart(index === 0 ? 10 : 12)).join(''));
  }
  const [one = [], many = []] = rows;
  const ratio = (index: number) => (Number(many[index]) / Number(one[index])).toFixed(1);
  stage.say(
    `the team: ${ratio(1)} times the calls, ${ratio(2)} times the tokens, ${ratio(4)} times the messages`,
  );
}

const underAllOrders = simulated({
  input: 'otters',
  build: (system) => team(system, scripted([])),
  effects: { 'model/scripted': anyOf('Otters sleep.', '') },
});

export default {
  id: 'E14',
  name: 'one-or-many',
  shows: 'The same job for one agent and for a team, and what the team costs more.',
  removable: [],
  play,
  simulated: underAllOrders,
} satisfies Scenario;
