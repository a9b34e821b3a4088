import {
  TaskFailed,
  fanIn,
  perform,
  performer,
  pipeline,
  type Outcome,
  type Performer,
  type Task,
} from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

const adds = (text: string, afterMs = 0) =>
  performer('adds', function* (task: Task<string>, run) {
    yield* run.sleep(afterMs);
    return task.input + text;
  });
const fails = (kind: 'toolError' | 'guardDenied' = 'toolError') =>
  performer('fails', (): string => {
    throw new TaskFailed({ kind, message: 'broken' });
  });
const silent = performer('silent', () => new Promise<string>(() => undefined));

async function go<TInput, TOutput>(
  logic: Performer<TInput, TOutput>,
  input: NoInfer<TInput>,
  deadlineMs = 1_000,
) {
  const system = createTestSystem();
  const outcome = await system.run(perform(system, logic, { goal: 'go', input }, { deadlineMs }));
  return { outcome, tookMs: system.nowMs };
}

describe('a pipeline', () => {
  it('hands the output of each stage to the next, and keeps what went in and came out', async () => {
    const desk = pipeline('desk')
      .stage('write', { performer: adds('b', 10) })
      .stage('edit', { performer: adds('c', 20) })
      .stage('count', { performer: performer('count', (task: Task<string>) => task.input.length) })
      .build();
    const { outcome, tookMs } = await go(desk, 'a');
    expectTypeOf(outcome).toEqualTypeOf<Outcome<number>>();
    expect(outcome).toMatchObject({
      status: 'done',
      output: 3,
      steps: [
        { name: 'write', input: 'a', outcome: { status: 'done', output: 'ab' }, tookMs: 10 },
        { name: 'edit', input: 'ab', outcome: { status: 'done', output: 'abc' }, tookMs: 20 },
        { name: 'count', input: 'abc', outcome: { status: 'done', output: 3 }, tookMs: 0 },
      ],
    });
    expect(tookMs).toBe(30);
  });

  it('names the stage that failed and those that never ran', async () => {
    const desk = pipeline('desk')
      .stage('write', { performer: adds('b') })
      .stage('edit', { performer: fails('guardDenied') })
      .stage('print', { performer: adds('c') })
      .stage('send', { performer: adds('d') })
      .build();
    expect((await go(desk, 'a')).outcome).toMatchObject({
      status: 'failed',
      failure: {
        kind: 'guardDenied',
        step: 'edit',
        blocked: ['print', 'send'],
        partial: 'ab',
        causes: [{ kind: 'guardDenied', message: 'broken' }],
      },
      steps: [{ name: 'write' }, { name: 'edit' }],
    });
  });

  it('gives a silent stage its part of the time, and tells of it before the deadline', async () => {
    const desk = pipeline('desk')
      .stage('write', { performer: silent })
      .stage('edit', { performer: adds('c') })
      .build();
    const { outcome, tookMs } = await go(desk, undefined, 1_000);
    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'timeout', step: 'write', blocked: ['edit'] },
    });
    expect(tookMs).toBe(450);
  });

  it('takes the fallback for a stage that is silent, and goes on', async () => {
    const desk = pipeline('desk')
      .stage('write', { performer: silent, timeoutMs: 100, fallback: performer('b', () => 'b') })
      .stage('edit', { performer: adds('c') })
      .build();
    const { outcome, tookMs } = await go(desk, undefined);
    expect(outcome).toMatchObject({ status: 'done', output: 'bc' });
    expect(tookMs).toBe(100);
  });

  it('tries a stage again with growing delays', async () => {
    let attempts = 0;
    const flaky = performer('flaky', ({ input }: Task<string>) => {
      attempts += 1;
      if (attempts < 3) throw new Error('not yet');
      return input;
    });
    const backoff = { minMs: 100, maxMs: 1_000, jitter: 0 };
    const desk = pipeline('desk')
      .stage('try', { performer: flaky, retry: { attemptsMax: 3, backoff } })
      .build();
    const { outcome, tookMs } = await go(desk, 'a');
    expect([outcome.status, attempts, tookMs]).toEqual(['done', 3, 300]);
  });

  it('goes on without a stage that may fail, and is partial then', async () => {
    const desk = pipeline('desk')
      .stage('write', { performer: adds('b') })
      .stage('adorn', { performer: fails(), onFail: { goOnWith: (text) => text } })
      .stage('print', { performer: adds('c') })
      .build();
    expect((await go(desk, 'a')).outcome).toMatchObject({
      status: 'partial',
      output: 'abc',
      missing: ['adorn'],
      failures: [{ kind: 'toolError' }],
    });
  });

  it('fails typed at an edge that does not fit, and names the stage', async () => {
    const text = z.string().max(2);
    const input = pipeline('desk')
      .stage('write', { performer: adds('bc') })
      .stage('edit', { performer: adds('d'), input: text, fallback: adds('e') })
      .build();
    expect((await go(input, 'a')).outcome).toMatchObject({
      failure: { kind: 'invalidInput', step: 'edit', message: expect.stringContaining('"edit"') },
    });
    const output = pipeline('desk')
      .stage('write', { performer: adds('bc'), output: text, fallback: adds('b') })
      .build();
    expect((await go(output, 'a')).outcome).toMatchObject({ status: 'done', output: 'ab' });
  });

  it('nests, in a fan-in and as a stage', async () => {
    const inner = pipeline('inner')
      .stage('write', { performer: adds('b') })
      .build();
    const many = fanIn('many', {
      worker: inner,
      collect: (slots) => slots.map((slot) => (slot.status === 'ok' ? slot.output : '')).join(),
    });
    const outer = pipeline('outer')
      .stage('all', { performer: many })
      .stage('end', { performer: adds('!') })
      .build();
    expect((await go(outer, ['a', 'c'])).outcome).toMatchObject({
      status: 'done',
      output: 'ab,cb!',
    });
  });

  it('refuses two stages of one name, and no types that do not meet', () => {
    const one = pipeline('desk').stage('write', { performer: adds('b') });
    expect(() => one.stage('write', { performer: adds('c') })).toThrow(/given "write"/);
    const count = performer('count', (task: Task<number>) => task.input);
    // @ts-expect-error -- the stage before gives a string
    void one.stage('count', { performer: count });
  });
});
