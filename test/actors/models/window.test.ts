/** Windows (R29): whatever is cut, the goal stays and no tool call is parted from its result (P13). */
import fc from 'fast-check';
import {
  modelAgent,
  perform,
  performer,
  rule,
  tool,
  window,
  type ModelMessage,
  type Task,
  type TaskRun,
  type Window,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const text = (role: 'user' | 'assistant', said: string): ModelMessage => ({
  role,
  content: [{ type: 'text', text: said }],
});
let ids = 0;
/** An exchange: a text, or calls with their results in one message or in several. */
const exchange: fc.Arbitrary<ModelMessage[]> = fc.oneof(
  fc
    .tuple(fc.constantFrom('user' as const, 'assistant' as const), fc.string())
    .map(([role, said]) => [text(role, said)]),
  fc
    .record({ calls: fc.integer({ min: 1, max: 4 }), apart: fc.boolean(), size: fc.nat(40) })
    .map(({ calls, apart, size }) => {
      const numbers = Array.from({ length: calls }, () => `c${(ids += 1)}`);
      const results = numbers.map((toolCallId) => ({
        type: 'tool-result' as const,
        toolCallId,
        toolName: 'look',
        output: { type: 'text' as const, value: 'x'.repeat(size) },
      }));
      return [
        {
          role: 'assistant',
          content: numbers.map((toolCallId) => ({
            type: 'tool-call' as const,
            toolCallId,
            toolName: 'look',
            input: {},
          })),
        },
        ...(apart
          ? results.map((result): ModelMessage => ({ role: 'tool', content: [result] }))
          : [{ role: 'tool' as const, content: results }]),
      ] satisfies ModelMessage[];
    }),
);
const count = fc.integer({ min: 1, max: 30 });
const cuts: fc.Arbitrary<Window> = fc.oneof(
  count.map((max) => window.last(max)),
  count.map((max) => window.tokens(max * 10)),
  fc.tuple(count, count).map(([head, tail]) => window.headAndTail(head, tail)),
);

const pinned: ModelMessage[] = [{ role: 'system', content: 'You look.' }, text('user', 'find it')];
const cut = (by: Window, messages: readonly ModelMessage[]): readonly ModelMessage[] =>
  by(messages, undefined as never as TaskRun).next().value as readonly ModelMessage[];

/** The ids of the calls, and of the results, in their order. */
function idsOf(messages: readonly ModelMessage[]): { calls: string[]; results: string[] } {
  const parts = messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : (content as { type: string; toolCallId?: string }[]),
  );
  const of = (type: string) =>
    parts.filter((part) => part.type === type).map((part) => part.toolCallId ?? '');
  return { calls: of('tool-call'), results: of('tool-result') };
}

describe('a window', () => {
  it('never parts a call from its result, pins the goal, and keeps the order (P13)', () => {
    fc.assert(
      fc.property(fc.array(exchange, { maxLength: 12 }), cuts, (exchanges, by) => {
        const messages = [...pinned, ...exchanges.flat()];
        const kept = cut(by, messages);
        expect(kept.slice(0, 2)).toEqual(pinned);
        const { calls, results } = idsOf(kept);
        expect(results).toEqual(calls);
        expect(kept).toEqual(messages.filter((message) => kept.includes(message)));
        // The newest is always there: it is what the model is to answer.
        expect(kept.at(-1)).toBe(messages.at(-1));
        expect(cut(by, kept)).toEqual(kept);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps as much as it says, where the newest exchange alone is not more', () => {
    const messages = [
      ...pinned,
      ...Array.from({ length: 20 }, (_, at) => text('assistant', `${at}`)),
    ];
    expect(cut(window.last(5), messages)).toHaveLength(2 + 5);
    const said = (by: Window) =>
      cut(by, messages)
        .slice(2)
        .map(({ content }) => (content as { text: string }[])[0]?.text);
    expect(said(window.headAndTail(2, 3))).toEqual(['0', '1', '17', '18', '19']);
    const few = cut(window.tokens(100), messages);
    expect(JSON.stringify(few).length / 4).toBeLessThanOrEqual(110);
    expect(few.length).toBeGreaterThan(3);
  });

  it('of nothing, or of less than it could keep, changes nothing', () => {
    for (const by of [window.last(1), window.tokens(1), window.headAndTail(1, 1)]) {
      expect(cut(by, pinned)).toEqual(pinned);
      expect(cut(by, [])).toEqual([]);
    }
  });

  it('of no size is refused', () => {
    expect(() => window.last(0)).toThrow(/window\.last: given 0, allowed: an integer >= 1/);
  });
});

describe('a model agent with a window', () => {
  /** A model that looks ten times, and then answers with how long its prompts were. */
  const play = async (cutBy: Window) => {
    const system = createTestSystem();
    const prompts: (readonly ModelMessage[])[] = [];
    const model = rule(({ prompt }) => {
      prompts.push(prompt);
      return prompts.length <= 10
        ? { toolCalls: [{ name: 'look', input: { at: prompts.length } }] }
        : 'found';
    });
    const look = tool({
      description: 'looks',
      input: z.object({ at: z.number() }),
      call: ({ at }) => `nothing at ${at}`,
    });
    const logic = modelAgent('finder', {
      model,
      instructions: 'You look.',
      tools: { look },
      window: cutBy,
    });
    const outcome = await system.run(perform(system, logic, { goal: 'find it', input: 'where?' }));
    await system.stop();
    return { outcome, prompts };
  };

  it('sends a prompt that grows no more, with the goal in it', async () => {
    const { outcome, prompts } = await play(window.last(4));
    expect(outcome).toMatchObject({ status: 'done', output: 'found' });
    for (const prompt of prompts) {
      expect(prompt.length).toBeLessThanOrEqual(2 + 4);
      expect(JSON.stringify(prompt[1])).toContain('find it');
      expect(idsOf(prompt).calls).toEqual(idsOf(prompt).results);
    }
  });

  it('has what it drops summed up by a performer, and goes on without when that fails', async () => {
    let asked = 0;
    const summarise = performer('summarise', ({ input }: Task<readonly ModelMessage[]>) => {
      asked += 1;
      if (asked > 1) throw new Error('no words');
      return `${input.length} messages about nothing`;
    });
    const { outcome, prompts } = await play(
      window.summary(summarise, { aboveTokens: 250, keepTokens: 100 }),
    );
    expect(outcome).toMatchObject({ status: 'done' });
    expect(asked).toBeGreaterThan(1);
    const told = prompts.map((prompt) => JSON.stringify(prompt));
    expect(told.some((prompt) => prompt.includes('in short: '))).toBe(true);
    for (const prompt of prompts) expect(idsOf(prompt).calls).toEqual(idsOf(prompt).results);
    expect(Math.max(...told.map(({ length }) => length / 4))).toBeLessThan(400);
  });
});
