/** Flags gate agents, and a secret stays where it is (R33): in no snapshot, no report and on no wire. */
import { inspect } from 'node:util';
import { fromHandler, MemoryStore } from 'troupe';
import { gate, loadConfig, perform, performer, Secret, type Task } from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { pack, toWireLeniently, toWire } from '../../../transport/codec.ts';

const key = 'sk-very-secret';
const spec = {
  name: 'desk',
  schema: z.object({
    apiKey: z.instanceof(Secret),
    flags: z.object({ summaries: z.boolean().default(false) }).default({ summaries: false }),
  }),
  secrets: ['apiKey'],
};
const configure = (summaries: boolean) =>
  loadConfig(spec, { environment: 'staging', args: { apiKey: key, 'flags.summaries': summaries } });

const desk = (summaries: boolean) => {
  const team = gate(
    configure(summaries),
    {
      answer: performer('answer', ({ input }: Task<string>) => `${input}!`),
      summarise: performer('summarise', ({ input }: Task<string>) => input.slice(0, 3)),
    },
    { summarise: 'summaries' },
  );
  return performer(
    'desk',
    function* ({ input }: Task<string>, run) {
      const answer = run.need(yield* run.perform(run.team.answer, { input }));
      if (run.team.summarise === undefined) return answer;
      return run.need(yield* run.perform(run.team.summarise, { input: answer }));
    },
    { team },
  );
};

test.each([
  [true, 'hel', ['/desk/team/answer', '/desk/team/summarise']],
  [false, 'hello!', ['/desk/team/answer']],
])('an agent is there under its flag only: %s', async (summaries, output, members) => {
  const system = createTestSystem();
  const ref = system.spawn(desk(summaries), { id: 'desk' });
  const task = { goal: 'answer', input: 'hello' };
  expect(await system.run(perform(system, ref, task))).toMatchObject({ output });
  const there = JSON.stringify(system.agents(), ['path', 'children']);
  for (const path of members) expect(there).toContain(`"${path}"`);
  expect(there.includes('/desk/team/summarise')).toBe(summaries);
  await system.stop();
});

test('a gate for nobody, or with a flag that there is not, is refused', () => {
  const team = { answer: performer('answer', () => 'yes') };
  // @ts-expect-error the team has no such member
  expect(() => gate(configure(true), team, { anser: 'summaries' })).toThrow(
    /"anser", allowed: answer/,
  );
  // @ts-expect-error the schema has no such flag
  expect(() => gate(configure(true), team, { answer: 'sums' })).toThrow(
    /"sums", allowed: summaries/,
  );
});

test('a secret is in no snapshot, no report and on no wire', async () => {
  const { value } = configure(true);
  const refs = {} as never;
  const shown: string[] = [];
  for (const wire of [() => toWire({ value }, refs), () => toWireLeniently({ value }, refs)]) {
    try {
      shown.push(Buffer.from(pack([wire()])).toString('latin1'));
    } catch (error) {
      shown.push(inspect(error, { depth: 9, showHidden: true }));
    }
  }
  const store = new MemoryStore();
  const system = createTestSystem({ crashDetails: true });
  system.inspect((event) => shown.push(inspect(event, { depth: 9 })));
  const logic = fromHandler({
    initial: () => value,
    receive(state, event: { type: 'go'; apiKey: Secret }, ctx) {
      ctx.report({ level: 'info', label: 'configured', fields: { state, event } });
      if (event.apiKey.name === 'crash')
        throw new Error(`no answer with ${event.apiKey.toString()}`);
    },
  });
  system.spawn(logic, { id: 'kept', persist: { store } });
  await system.settle();
  expect(shown.join()).toContain('an instance of Secret cannot be stored');
  expect(store.keys()).toEqual([]);
  const ref = system.spawn(logic);
  ref.send({ type: 'go', apiKey: value.apiKey });
  await system.settle();
  ref.send({ type: 'go', apiKey: new Secret('crash', key) });
  await system.settle();
  expect(shown.join()).toContain('no answer with [secret crash]');
  for (const text of shown) expect(text).not.toContain(key);
  await system.stop();
});
