import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Snapshot } from 'xstate';
import {
  agentName,
  type AgentName,
  type AnyRef,
  type ExitReason,
  type Ref,
  type RefFrom,
  type ReplyOf,
  type RequestNamed,
  type RequestOf,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';
import {
  Counter,
  Editor,
  counter,
  editorMachine,
  type CounterEvent,
  type Edited,
  type EditorEvent,
  type Total,
} from './cast.ts';

// The calls in `never` are checked by the compiler and not run.
const never = (_check: () => unknown): void => undefined;
const system = createTestSystem();
const editor = system.spawn(editorMachine, { input: { style: 'dry' } });
const counting = system.spawn(counter);

describe('a spawn', () => {
  it('gives the ref of the logic, for machines and function agents, and never any', () => {
    expectTypeOf(editor).toEqualTypeOf<RefFrom<typeof editorMachine>>();
    expectTypeOf(counting).toEqualTypeOf<RefFrom<typeof counter>>();
    expectTypeOf(editor).not.toBeAny();
    expectTypeOf(counting).not.toBeAny();
    never(() => {
      expectTypeOf(system.start(counter)).toEqualTypeOf<Promise<RefFrom<typeof counter>>>();
    });
  });

  it('requires the input of a logic that has one', () => {
    never(() => {
      system.spawn(editorMachine, { input: { style: 'x' }, id: 'e', name: Editor });
      // @ts-expect-error the machine requires an input
      system.spawn(editorMachine);
      // @ts-expect-error the machine requires an input
      system.spawn(editorMachine, { id: 'x' });
      // @ts-expect-error the input has another type
      system.spawn(editorMachine, { input: { style: 5 } });
      // @ts-expect-error an unknown option
      system.spawn(counter, { nmae: 'x' });
      // @ts-expect-error only a parent can hold
      system.spawn(counter, { hold: true });
      // @ts-expect-error no such policy
      system.spawn(counter, { mailbox: { overflow: 'block' } });
    });
  });
});

describe('a ref', () => {
  it('takes the events of its logic and no others', () => {
    expectTypeOf(editor.send).parameter(0).toEqualTypeOf<EditorEvent>();
    never(() => {
      counting.send({ type: 'add', amount: 1 });
      // @ts-expect-error no such event
      counting.send({ type: 'substract', amount: 1 });
      // @ts-expect-error a wrong payload
      counting.send({ type: 'add', amount: '1' });
      // @ts-expect-error the payload is missing
      counting.send({ type: 'add' });
      // @ts-expect-error no such event
      editor.send({ type: 'delete' });
      // @ts-expect-error no such event
      void counting.offer({ type: 'nothing' });
      // @ts-expect-error nothing can be sent to whatever agent
      (editor as AnyRef).send({ type: 'reset' });
    });
  });

  it('answers an ask with the reply that the request declares', () => {
    never(() => {
      expectTypeOf(editor.ask({ type: 'edit', text: 'x' })).toEqualTypeOf<Promise<Edited>>();
      expectTypeOf(editor.ask({ type: 'count' })).toEqualTypeOf<Promise<Total>>();
      expectTypeOf(counting.ask({ type: 'read' })).toEqualTypeOf<Promise<Total>>();
      expectTypeOf(counting.ask({ type: 'edit', text: '' })).toEqualTypeOf<Promise<Edited>>();
      // @ts-expect-error not a request: it has no replyTo
      void counting.ask({ type: 'add', amount: 1 });
      // @ts-expect-error the payload is missing
      void editor.ask({ type: 'edit' });
      // @ts-expect-error a wrong payload
      void editor.ask({ type: 'edit', text: 5 });
      // @ts-expect-error no such request
      void editor.ask({ type: 'erase' });
      // @ts-expect-error no such option
      void editor.ask({ type: 'count' }, { timeout: 5 });
    });
  });

  it('has the snapshot, the output and the emitted events of its logic', () => {
    expectTypeOf(editor.getSnapshot().context).toEqualTypeOf<{ edits: number }>();
    expectTypeOf(editor.getSnapshot().value).not.toBeAny();
    expectTypeOf(counting.getSnapshot().context).toEqualTypeOf<number>();
    expectTypeOf<ReturnType<typeof editor.result>>().toEqualTypeOf<Promise<{ done: true }>>();
    expectTypeOf<ReturnType<typeof counting.result>>().toEqualTypeOf<Promise<unknown>>();
    expectTypeOf<ReturnType<typeof editor.started>>().toEqualTypeOf<Promise<void>>();
    expectTypeOf<ReturnType<typeof editor.stop>>().toEqualTypeOf<Promise<ExitReason>>();
    expectTypeOf<ReturnType<typeof editor.kill>>().toEqualTypeOf<Promise<ExitReason>>();
    never(() => {
      editor.on('saved', (event) => {
        expectTypeOf(event).not.toBeAny();
        expectTypeOf(event.at).toBeNumber();
      });
      // @ts-expect-error never emitted
      editor.on('lost', () => undefined);
      editor.subscribe((snapshot) => {
        expectTypeOf(snapshot.context).toEqualTypeOf<{ edits: number }>();
      });
    });
  });

  it('is a ref to whatever agent, and a ref that takes less', () => {
    expectTypeOf(editor).toExtend<AnyRef>();
    expectTypeOf(counting).toExtend<AnyRef>();
    expectTypeOf<RefFrom<typeof counter>>().toExtend<Ref<{ type: 'add'; amount: number }>>();
    // A ref to somebody who takes less is none to somebody who takes more.
    expectTypeOf<Ref<{ type: 'add'; amount: number }>>().not.toExtend<Ref<CounterEvent>>();
    expectTypeOf<AnyRef>().not.toExtend<Ref<CounterEvent>>();
  });
});

describe('requests and replies', () => {
  it('are found in the union of events', () => {
    expectTypeOf<RequestOf<CounterEvent>['type']>().toEqualTypeOf<'read' | 'edit'>();
    expectTypeOf<ReplyOf<RequestNamed<CounterEvent, 'read'>>>().toEqualTypeOf<Total>();
    expectTypeOf<ReplyOf<RequestNamed<CounterEvent, 'edit'>>>().toEqualTypeOf<Edited>();
    expectTypeOf<RequestOf<{ type: 'add' }>>().toEqualTypeOf<never>();
  });
});

describe('a name', () => {
  it('has the type of the refs that it finds', () => {
    expectTypeOf(Editor).toEqualTypeOf<AgentName<RefFrom<typeof editorMachine>>>();
    expectTypeOf(system.whereis(Editor)).toEqualTypeOf<RefFrom<typeof editorMachine> | undefined>();
    expectTypeOf(system.whereis(Counter)).toEqualTypeOf<RefFrom<typeof counter> | undefined>();
    expectTypeOf(system.whereis('editor')).toEqualTypeOf<AnyRef | undefined>();
    const Anyone = agentName<Ref<{ type: 'hello' }>>('anyone');
    expectTypeOf(system.whereis(Anyone)).toEqualTypeOf<Ref<{ type: 'hello' }> | undefined>();
    expect(system.whereis(Anyone)).toBeUndefined();
  });
});

describe('a snapshot of whatever agent', () => {
  it('is one that says nothing of its context', () => {
    expectTypeOf<ReturnType<AnyRef['getSnapshot']>>().toEqualTypeOf<Snapshot<unknown>>();
  });
});
