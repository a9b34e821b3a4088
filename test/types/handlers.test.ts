import { describe, expectTypeOf, it } from 'vitest';
import {
  fromHandler,
  type AgentContext,
  type AnyRef,
  type Down,
  type Exit,
  type ExitReason,
  type Ref,
  type RefFrom,
  type ReplyTo,
  type Wait,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';
import {
  Counter,
  Editor,
  counter,
  editorMachine,
  type CounterEvent,
  type Edited,
  type Total,
} from './cast.ts';

const never = (_check: () => unknown): void => undefined;

describe('a function agent', () => {
  it('gets its types from the annotation of receive, whatever comes before it', () => {
    const logic = fromHandler({
      initial: () => ({ n: 0 }),
      start(state) {
        expectTypeOf(state).toEqualTypeOf<{ n: number }>();
      },
      receive(state, event: CounterEvent, ctx) {
        expectTypeOf(state).toEqualTypeOf<{ n: number }>();
        expectTypeOf(ctx).toEqualTypeOf<AgentContext<CounterEvent>>();
        expectTypeOf(ctx.self.send).parameter(0).toEqualTypeOf<CounterEvent>();
        return { n: state.n + (event.type === 'add' ? event.amount : 0) };
      },
      stop(state, reason, ctx) {
        expectTypeOf(state).toEqualTypeOf<{ n: number }>();
        expectTypeOf(reason).toEqualTypeOf<ExitReason>();
        expectTypeOf(ctx).toEqualTypeOf<AgentContext<CounterEvent>>();
      },
    });
    expectTypeOf<Parameters<RefFrom<typeof logic>['send']>[0]>().toEqualTypeOf<CounterEvent>();
    expectTypeOf<ReturnType<RefFrom<typeof logic>['getSnapshot']>['context']>().toEqualTypeOf<{
      n: number;
    }>();
  });

  it('types the context of a start hook that stands before receive by its own annotation', () => {
    const logic = fromHandler({
      start(_state: undefined, ctx: AgentContext<CounterEvent>) {
        ctx.after(1, { type: 'add', amount: 1 });
        // @ts-expect-error no such event
        ctx.after(1, { type: 'nothing' });
      },
      receive(_state, event: CounterEvent) {
        void event;
      },
    });
    expectTypeOf<Parameters<RefFrom<typeof logic>['send']>[0]>().toEqualTypeOf<CounterEvent>();
  });

  it('requires the input that its initial takes', () => {
    const logic = fromHandler({
      initial: (input: { start: number }) => input.start,
      receive: (state, event: { type: 'add'; amount: number }) => state + event.amount,
    });
    const system = createTestSystem();
    never(() => {
      system.spawn(logic, { input: { start: 1 } });
      // @ts-expect-error the logic requires an input
      system.spawn(logic);
      // @ts-expect-error the input has another type
      system.spawn(logic, { input: { start: 'x' } });
    });
  });

  it('may not return what is no state', () => {
    never(() => {
      fromHandler({
        initial: () => 0,
        // @ts-expect-error a string is not the state
        receive: (_state: number, _event: CounterEvent) => 'x',
      });
      fromHandler({
        initial: () => 0,
        // @ts-expect-error a generator may not return what is no state
        *receive(_state: number, _event: CounterEvent, ctx) {
          yield* ctx.sleep(1);
          return 'x';
        },
      });
      fromHandler({
        initial: () => 0,
        // @ts-expect-error an async handler may not return what is no state
        receive: async (_state: number, _event: CounterEvent) => 'x',
      });
    });
  });

  it('without initial has no state, and cannot return one', () => {
    fromHandler({
      receive(state, event: CounterEvent) {
        expectTypeOf(state).toEqualTypeOf<undefined>();
        void event;
      },
    });
    never(() => {
      fromHandler({
        // @ts-expect-error the first message would find undefined where later ones find a number
        receive: (_state, event: { type: 'add'; amount: number }) => event.amount,
      });
    });
  });

  it('takes Down and Exit in its union of events', () => {
    fromHandler({
      receive(_state: undefined, event: CounterEvent | Down | Exit) {
        if (event.type === 'troupe.down') {
          expectTypeOf(event).toEqualTypeOf<Down>();
          expectTypeOf(event.ref).toEqualTypeOf<Ref>();
          expectTypeOf(event.reason).toEqualTypeOf<ExitReason>();
        } else if (event.type === 'troupe.exit') {
          expectTypeOf(event.from).toEqualTypeOf<Ref | undefined>();
          if (event.reason.type === 'crash') expectTypeOf(event.reason.error).toBeUnknown();
        } else expectTypeOf(event).toEqualTypeOf<CounterEvent>();
      },
    });
  });
});

describe('the context of a function agent', () => {
  const use = (
    ctx: AgentContext<CounterEvent, { type: 'out'; n: number }>,
    editor: RefFrom<typeof editorMachine>,
    request: { type: 'read'; replyTo: ReplyTo<Total> },
  ): void => {
    ctx.send(editor, { type: 'reset' });
    ctx.send(Counter, { type: 'add', amount: 1 });
    // @ts-expect-error no such event of a ref
    ctx.send(editor, { type: 'nothing' });
    // @ts-expect-error no such event behind a name
    ctx.send(Counter, { type: 'nothing' });
    // @ts-expect-error a wrong payload behind a name
    ctx.send(Counter, { type: 'add', amount: 'x' });

    ctx.reply(request, { type: 'total', total: 1 });
    // @ts-expect-error a wrong reply
    ctx.reply(request, { type: 'edited', text: 'x' });
    // @ts-expect-error a wrong payload of the reply
    ctx.reply(request, { type: 'total', total: 'x' });
    // @ts-expect-error no request: it has no replyTo
    ctx.reply({ type: 'add', amount: 1 }, { type: 'total', total: 1 });

    ctx.forward(Counter, request);
    // @ts-expect-error the other agent does not take this request
    ctx.forward(editor, request);

    ctx.after(1, { type: 'add', amount: 1 });
    ctx.idle(1, { type: 'add', amount: 1 });
    // @ts-expect-error not an event of its own
    ctx.every(1, { type: 'tick' });
    ctx.emit({ type: 'out', n: 1 });
    // @ts-expect-error not what it emits
    ctx.emit({ type: 'in' });

    expectTypeOf(ctx.spawn(counter)).toEqualTypeOf<RefFrom<typeof counter>>();
    expectTypeOf(ctx.spawn(counter, { hold: true, link: true })).not.toBeAny();
    // @ts-expect-error the machine requires an input
    ctx.spawn(editorMachine);
    expectTypeOf(ctx.whereis(Editor)).toEqualTypeOf<RefFrom<typeof editorMachine> | undefined>();
    expectTypeOf(ctx.self).toEqualTypeOf<Ref<CounterEvent>>();
    expectTypeOf(ctx.parent).toEqualTypeOf<AnyRef | undefined>();
    expectTypeOf(ctx.stopChild(editor)).toEqualTypeOf<Wait<ExitReason>>();
    expectTypeOf(ctx.sleep(1)).toEqualTypeOf<Wait<void>>();
    expectTypeOf(ctx.wait(Promise.resolve(5))).toEqualTypeOf<Wait<number>>();
    expectTypeOf(ctx.all([ctx.sleep(1), ctx.wait(Promise.resolve('x'))])).not.toBeAny();
  };

  it('checks sends, replies, forwards, timers, emits and spawns', () => {
    expectTypeOf(use).toBeFunction();
  });

  it('gives an ask the type of its reply, by ref and by name, in a generator and awaited', () => {
    fromHandler({
      *receive(_state: undefined, event: { type: 'go'; to: RefFrom<typeof counter> }, ctx) {
        const total = yield* ctx.ask(event.to, { type: 'read' });
        expectTypeOf(total).toEqualTypeOf<Total>();
        const edited = yield* ctx.ask(Editor, { type: 'edit', text: 'x' });
        expectTypeOf(edited).toEqualTypeOf<Edited>();
        const both = yield* ctx.all([
          ctx.ask(event.to, { type: 'read' }),
          ctx.ask(Editor, { type: 'edit', text: 'x' }),
        ]);
        expectTypeOf(both).toEqualTypeOf<[Total, Edited]>();
        const slept = yield* ctx.sleep(1);
        expectTypeOf(slept).toBeVoid();
        // @ts-expect-error not a request of the counter
        ctx.ask(event.to, { type: 'add', amount: 1 });
        // @ts-expect-error the payload is missing
        ctx.ask(Editor, { type: 'edit' });
      },
    });
    fromHandler({
      async receive(_state: undefined, event: { type: 'go'; to: RefFrom<typeof counter> }, ctx) {
        expectTypeOf(await ctx.ask(event.to, { type: 'read' })).toEqualTypeOf<Total>();
        expectTypeOf(await ctx.ask(Counter, { type: 'edit', text: '' })).toEqualTypeOf<Edited>();
      },
    });
  });
});
