// One trace per task from outside: whoever works for it, wherever, has its span in that one tree.

import * as otel from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { createTestSystem, type TestSystem } from 'troupe/testing';
import type { System } from 'troupe';
import {
  ensemble,
  fanOut,
  guard,
  guardedAction,
  join,
  modelAgent,
  perform,
  performer,
  performerTool,
  pipeline,
  scripted,
  traceRuns,
  type Performer,
  type PerformerRef,
  type PerformRootOptions,
  type Task,
} from 'troupe/actors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Stage, outcome as settled } from '../../transport/cast.ts';

let exporter: InMemorySpanExporter;
let api: typeof otel;

beforeEach(() => {
  exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  // A copy of the API with a provider of this test: nothing global is touched.
  const trace = Object.create(otel.trace, {
    getTracer: { value: (name: string) => provider.getTracer(name) },
  }) as typeof otel.trace;
  api = { ...otel, trace };
});

const spans = (): ReadableSpan[] => exporter.getFinishedSpans();
const named = (name: string) => spans().filter((span) => span.name === name);
const one = (name: string): ReadableSpan => {
  const [span, ...others] = named(name);
  if (span === undefined || others.length > 0) {
    throw new Error(
      `${others.length + 1} of ${name}: ${spans()
        .map((each) => each.name)
        .join()}`,
    );
  }
  return span;
};
const ms = ([seconds, nanos]: readonly [number, number]): number => seconds * 1_000 + nanos / 1e6;

/** The tree as indented names, children in the order of their start. */
function tree(parent?: string, indent = ''): string[] {
  return spans()
    .filter((span) => span.parentSpanContext?.spanId === parent)
    .toSorted((one, other) => ms(one.startTime) - ms(other.startTime))
    .flatMap((span) => [
      `${indent}${span.name}`,
      ...tree(span.spanContext().spanId, `${indent}  `),
    ]);
}

/** What must hold of any trace. */
function expectOneTree(): void {
  const byId = new Map(spans().map((span) => [span.spanContext().spanId, span]));
  const roots = spans().filter((span) => span.parentSpanContext === undefined);
  expect(roots.map(({ name }) => name)).toHaveLength(1);
  expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(1);
  for (const span of spans()) {
    if (span.parentSpanContext === undefined) continue;
    const parent = byId.get(span.parentSpanContext.spanId);
    expect(parent, `the parent of ${span.name}`).toBeDefined();
    expect(ms(span.startTime)).toBeGreaterThanOrEqual(ms(parent!.startTime));
    if (span.parentSpanContext.isRemote === true) continue;
    expect(ms(span.endTime), span.name).toBeLessThanOrEqual(ms(parent!.endTime));
    // What ends in the same instant still ends in order.
    expect(spans().indexOf(span), span.name).toBeLessThan(spans().indexOf(parent!));
  }
}

describe('on one node', () => {
  let system: TestSystem;
  beforeEach(() => {
    system = createTestSystem({ name: 'n' });
  });
  afterEach(() => system.stop());

  const play = <TInput, TOutput>(
    logic: Performer<TInput, TOutput>,
    input: NoInfer<TInput>,
    options: PerformRootOptions = {},
  ) => {
    const who =
      'transition' in logic ? system.spawn(logic as never, { id: 'top' } as never) : logic;
    const task = { id: 't1', goal: 'a secret goal', input };
    return system.run(perform(system, who as Performer<TInput, TOutput>, task, options));
  };
  const add = performer('add', function* ({ input }: Task<{ a: number }>, run) {
    yield* run.sleep(100);
    return input.a + 1;
  });

  it('a task, a model, its tool and the agent that the tool asks are one tree', async () => {
    traceRuns(system, api);
    const clerk = modelAgent('clerk', {
      model: scripted([{ toolCalls: [{ name: 'add', input: { a: 2 }, id: 'c1' }] }, 'three']),
      instructions: 'add',
      tools: {
        add: performerTool(add, { description: 'adds', input: z.object({ a: z.number() }) }),
      },
    });
    const desk = pipeline('desk').stage('ask', { performer: clerk }).build();
    await play(desk as Performer<unknown, unknown>, {}, { budget: { tokens: 9_000, hops: 5 } });
    expectOneTree();
    expect(tree()).toEqual([
      'invoke_workflow desk',
      '  invoke_agent clerk',
      '    invoke_agent model scripted',
      '      chat scripted',
      '    execute_tool add',
      '      invoke_agent add',
      '    invoke_agent model scripted',
      '      chat scripted',
    ]);
    const [chat] = named('chat scripted');
    expect(chat!.kind).toBe(otel.SpanKind.CLIENT);
    expect(chat!.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'troupe.test',
      'gen_ai.request.model': 'scripted',
      'gen_ai.response.finish_reasons': ['tool-calls'],
      'gen_ai.usage.input_tokens': expect.any(Number) as number,
    });
    expect(one('execute_tool add').attributes).toMatchObject({
      'gen_ai.tool.name': 'add',
      'gen_ai.tool.call.id': 'c1',
    });
    expect(one('invoke_agent add').attributes).toMatchObject({
      'gen_ai.agent.name': 'add',
      'troupe.task.id': 't1.1.2',
      'troupe.hop.count': 3,
      'troupe.hop.budget': 3,
      'troupe.outcome': 'done',
    });
    expect(one('invoke_workflow desk').attributes).toMatchObject({
      'gen_ai.workflow.name': 'desk',
      'gen_ai.conversation.id': 't1',
      'troupe.spent.tokens': expect.any(Number) as number,
    });
  });

  it('what tasks are about is told only when that is wanted', async () => {
    const stop = traceRuns(system, api);
    await play(add, { a: 41 });
    expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toMatch(/secret|41/);
    stop();
    traceRuns(system, api, { content: true });
    await system.run(perform(system, add, { goal: 'a secret goal', input: { a: 41 } }));
    expect(spans().at(-1)!.attributes).toMatchObject({
      'troupe.task.goal': 'a secret goal',
      'troupe.task.input': '{"a":41}',
      'troupe.task.output': '42',
    });
  });

  it('a fan-in links to the branches that it puts together', async () => {
    traceRuns(system, api);
    const lost = performer('lost', (): number => {
      throw new Error('no');
    });
    const members = { first: add, second: add, lost };
    await play(ensemble('jury', { members, join: join.quorum(2), collect: () => 'two' }), { a: 1 });
    expectOneTree();
    const linked = one('join jury').links.map(({ context }) => context.spanId);
    expect(linked.toSorted()).toEqual(
      named('invoke_agent add')
        .map((span) => span.spanContext().spanId)
        .toSorted(),
    );
    expect(one('invoke_agent lost')).toMatchObject({
      status: { code: otel.SpanStatusCode.ERROR, message: 'crash' },
      attributes: { 'error.type': 'crash', 'troupe.outcome': 'failed' },
    });
  });

  it('a parent does not end before its children, also when nobody waits for them any more', async () => {
    traceRuns(system, api);
    const slow = performer(
      'slow',
      function* ({ input }: Task<{ a: number }>, run) {
        const outcome = yield* run.perform(run.team.inner, { input });
        return run.need(outcome);
      },
      {
        team: {
          inner: performer('inner', function* (_: Task<{ a: number }>, run) {
            yield* run.sleep(Infinity);
            return 1;
          }),
        },
      },
    );
    await play(
      ensemble('race', { members: { add, slow }, join: join.first(1), collect: () => 'won' }),
      { a: 1 },
    );
    await system.run(system.stop());
    expectOneTree();
    expect(one('invoke_agent inner').attributes).toMatchObject({ 'troupe.outcome': 'cancelled' });
  });

  it('a performer that crashes ends its span, and those of all that it had given away', async () => {
    traceRuns(system, api);
    const host = system.spawn(
      performer(
        'host',
        function* (_: Task<{ a: number }>, run) {
          return yield* run.perform(run.team.add, { input: { a: 1 } });
        },
        { team: { add } },
      ),
      { id: 'host' },
    );
    const done = perform(system, host, { goal: 'g', input: { a: 1 } });
    await system.advance(50);
    await system.run(host.kill());
    await system.run(done);
    await system.run(system.stop());
    expectOneTree();
    expect(one('invoke_workflow host').attributes['error.type']).toBe('unavailable');
    expect(spans()).toHaveLength(2);
  });

  it('tells decisions and rulings of a guard as events in the span that they belong to', async () => {
    traceRuns(system, api);
    const bank = system.spawn(
      guard({
        state: undefined as unknown,
        actions: {
          pay: guardedAction({
            effectClass: 'spend',
            args: z.object({ amount: z.number() }),
            effect: async () => 'paid',
          }),
        },
        policy: { version: '7', rules: [] },
      }),
      { id: 'bank' },
    );
    const clerk = performer('clerk', function* (_: Task<number>, run) {
      run.decide('replan the payment', 'the bank may say no', { round: 1 });
      yield* run.ctx.ask(bank, { type: 'perform.pay', args: { amount: 5 } });
      return 1;
    });
    await play(clerk, 1);
    const { events, attributes } = one('invoke_workflow clerk');
    expect(attributes).toMatchObject({
      'troupe.replan.count': 1,
      'troupe.guard.decision': 'deny',
    });
    expect(events).toMatchObject([
      { name: 'troupe.decision', attributes: { what: 'replan the payment', round: 1 } },
      {
        name: 'troupe.guard.decision',
        attributes: { action: 'pay', rule: '(default)', policyVersion: '7', outcome: 'refused' },
      },
    ]);
  });

  it('a member that is restarted is told in the span of whom it belongs to', async () => {
    traceRuns(system, api);
    const frail = performer('frail', function* (_: Task<number>, run) {
      yield* run.sleep(100);
      return 1;
    });
    const host = performer(
      'host',
      function* (_: Task<number>, run) {
        const call = run.start(run.team.frail, { input: 1 });
        yield* run.sleep(50);
        // Without who wants it: the member crashes on it.
        run.ctx.send(run.team.frail as never, { type: 'cancel', taskId: call.task.id } as never);
        const outcome = yield* call.outcome();
        yield* run.sleep(50);
        return outcome;
      },
      { team: { frail } },
    );
    const top = system.spawn(host, { id: 'top' });
    const done = perform(system, top, { goal: 'g', input: 1 });
    await system.run(done);
    expect(one('invoke_workflow host').attributes).toMatchObject({
      'troupe.supervisor.restart.count': 1,
    });
  });

  it('a task that comes from a traced program goes on with its trace', async () => {
    traceRuns(system, api);
    const traceId = 'a'.repeat(32);
    await play(add, { a: 1 }, { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` });
    expect(one('invoke_workflow add')).toMatchObject({
      parentSpanContext: { traceId, spanId: 'b'.repeat(16) },
    });
  });

  it('the branches of a fan-out belong to the trace of their task', async () => {
    traceRuns(system, api);
    await play(fanOut('announce', { feed: { performer: add }, mail: { performer: add } }), {
      a: 1,
    });
    await system.advance(200);
    expect(tree()).toEqual([
      'invoke_workflow announce',
      '  invoke_agent add',
      '  invoke_agent add',
    ]);
  });

  it('older back ends get the name that they look for', async () => {
    traceRuns(system, api, { conventions: 'gen_ai_before_1_37' });
    await play(modelAgent('m', { model: scripted(['hi']), instructions: '' }), {});
    expect(one('chat scripted').attributes).toMatchObject({ 'gen_ai.system': 'troupe.test' });
    expect(one('chat scripted').attributes).not.toHaveProperty('gen_ai.provider.name');
  });
});

describe('on two nodes', () => {
  let stage: Stage;
  let here: { system: System; node: Awaited<ReturnType<Stage['join']>>['node'] };
  let there: typeof here;

  beforeEach(async () => {
    stage = new Stage();
    there = await stage.join('there');
    here = await stage.join('here', { seeds: ['memory:there'] });
  });
  afterEach(() => stage.stop());

  it('nested performers, tools and another node are one tree, with no span orphaned', async () => {
    traceRuns(here.system, api);
    traceRuns(there.system, api);
    const leaf = performer('leaf', function* ({ input }: Task<{ a: number }>, run) {
      yield* run.sleep(20);
      return input.a * 2;
    });
    const far = performer(
      'far',
      function* ({ input }: Task<{ a: number }>, run) {
        return run.need(yield* run.perform(run.team.leaf, { input }));
      },
      { team: { leaf } },
    );
    there.system.spawn(far, { id: 'far' });
    await stage.advance(10);
    const farRef = here.node.ref('there/far') as PerformerRef<{ a: number }, number>;
    const input = z.object({ a: z.number() });
    const clerk = modelAgent('clerk', {
      model: scripted([{ toolCalls: [{ name: 'double', input: { a: 2 } }] }, 'four']),
      instructions: 'double',
      tools: { double: performerTool(farRef, { description: 'doubles', input }) },
    });
    const top = here.system.spawn(pipeline('desk').stage('ask', { performer: clerk }).build());
    const done = settled(perform(here.system, top as never, { goal: 'g', input: {} }));
    await stage.advance(1_000);
    expect(done.value).toMatchObject({ status: 'done', output: 'four' });
    expectOneTree();
    expect(tree()).toEqual([
      'invoke_workflow desk',
      '  invoke_agent clerk',
      '    invoke_agent model scripted',
      '      chat scripted',
      '    execute_tool double',
      '      invoke_agent far',
      '        invoke_agent far',
      '          invoke_agent leaf',
      '    invoke_agent model scripted',
      '      chat scripted',
    ]);
    const kinds = named('invoke_agent far').map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set([otel.SpanKind.INTERNAL, otel.SpanKind.CLIENT]));
  });
});
