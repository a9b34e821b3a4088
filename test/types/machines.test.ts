import { describe, expectTypeOf, it } from 'vitest';
import { assign, sendTo, setup, type EventFromLogic } from 'xstate';
import {
  ask,
  fail,
  here,
  reply,
  type AgentContext,
  type Down,
  type Exit,
  type PostponeMeta,
  type RefFrom,
  type ReplyTo,
} from 'troupe';
import type { Edited, EditorEvent, Total } from './cast.ts';
import { Counter, Editor, type editorMachine } from './cast.ts';

const never = (_check: () => unknown): void => undefined;

describe('an invoked ask', () => {
  it('takes the request as its input and has the reply as its output', () => {
    setup({
      actors: { askEditor: ask(Editor, 'edit'), readCounter: ask(Counter, 'read') },
    }).createMachine({
      initial: 'editing',
      states: {
        editing: {
          invoke: {
            src: 'askEditor',
            input: { text: 'a draft' },
            onDone: {
              target: 'reading',
              actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<Edited>(),
            },
            onError: { actions: ({ event }) => expectTypeOf(event.error).toBeUnknown() },
          },
        },
        reading: {
          invoke: {
            src: 'readCounter',
            onDone: { actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<Total>() },
          },
        },
      },
    });
  });

  it('does not take another input, nor a request that is none', () => {
    never(() => {
      setup({ actors: { askEditor: ask(Editor, 'edit') } }).createMachine({
        // @ts-expect-error a wrong payload
        invoke: { src: 'askEditor', input: { text: 5 } },
      });
      setup({ actors: { askEditor: ask(Editor, 'edit') } }).createMachine({
        // @ts-expect-error the payload is missing
        invoke: { src: 'askEditor' },
      });
      // @ts-expect-error not a request of the editor
      ask(Editor, 'reset');
      // @ts-expect-error no such request
      ask(Editor, 'erase');
    });
  });
});

describe('reply', () => {
  const types = {
    events: {} as EditorEvent,
    context: {} as { waiting: { type: 'edit'; replyTo: ReplyTo<Edited> } | undefined },
  };

  it('checks against the replyTo of the event that the transition is for', () => {
    setup({ types }).createMachine({
      context: { waiting: undefined },
      on: {
        edit: {
          actions: reply(({ event }) => {
            expectTypeOf(event.text).toBeString();
            return { type: 'edited', text: event.text };
          }),
        },
        count: { actions: reply({ type: 'total', total: 1 }) },
      },
    });
    setup({ types }).createMachine({
      context: { waiting: undefined },
      on: {
        edit: {
          // @ts-expect-error a wrong reply
          actions: reply({ type: 'total', total: 1 }),
        },
        count: {
          // @ts-expect-error a wrong payload of the reply
          actions: reply(() => ({ type: 'total', total: 'x' })),
        },
        reset: {
          // @ts-expect-error the event is no request
          actions: reply({ type: 'total', total: 1 }),
        },
      },
    });
  });

  it('checks against the request that it takes from the context', () => {
    setup({ types }).createMachine({
      context: { waiting: undefined },
      on: {
        edit: { actions: assign({ waiting: ({ event }) => event }) },
        reset: {
          actions: reply({
            to: ({ context }) => context.waiting!,
            with: { type: 'edited', text: 'x' },
          }),
        },
        count: {
          actions: reply({
            to: ({ context }) => context.waiting!,
            with: ({ event }) => ({ type: 'edited', text: event.type }),
          }),
        },
      },
    });
    never(() => {
      setup({ types }).createMachine({
        context: { waiting: undefined },
        on: {
          reset: {
            actions: reply({
              to: ({ context }) => context.waiting!,
              // @ts-expect-error a wrong reply
              with: { type: 'total', total: 1 },
            }),
          },
        },
      });
    });
  });

  it('is checked by sendTo to the replyTo of the event too', () => {
    setup({ types }).createMachine({
      context: { waiting: undefined },
      on: {
        edit: { actions: sendTo(({ event }) => event.replyTo, { type: 'edited', text: 'x' }) },
      },
    });
    never(() => {
      setup({ types }).createMachine({
        context: { waiting: undefined },
        on: {
          edit: {
            actions: sendTo(
              ({ event }) => event.replyTo,
              // @ts-expect-error a wrong reply
              { type: 'total', total: 1 },
            ),
          },
        },
      });
    });
  });

  it('has fail beside it', () => {
    setup({ types }).createMachine({
      context: { waiting: undefined },
      on: { edit: { actions: fail(new Error('no')) } },
    });
  });
});

describe('the meta of a state', () => {
  it('postpones event types of the machine and no others', () => {
    const meta = {} as PostponeMeta<EditorEvent>;
    setup({ types: { events: {} as EditorEvent, meta } }).createMachine({
      meta: { postpone: 'all' },
      initial: 'a',
      states: { a: { meta: { postpone: ['edit', 'count'] } } },
    });
    never(() => {
      setup({ types: { events: {} as EditorEvent, meta } }).createMachine({
        // @ts-expect-error no such event
        states: { a: { meta: { postpone: ['nothing'] } } },
      });
      setup({ types: { events: {} as EditorEvent, meta } }).createMachine({
        // @ts-expect-error not all of them
        meta: { postpone: 'some' },
      });
    });
  });
});

describe('notices', () => {
  it('are events of a machine that says so', () => {
    setup({ types: { events: {} as EditorEvent | Down | Exit } }).createMachine({
      on: {
        'troupe.down': { actions: ({ event }) => expectTypeOf(event).toEqualTypeOf<Down>() },
        'troupe.exit': { actions: ({ event }) => expectTypeOf(event).toEqualTypeOf<Exit>() },
      },
    });
  });
});

describe('refs in a machine', () => {
  it('are targets of sendTo, and it checks the event', () => {
    type Peer = RefFrom<typeof editorMachine>;
    const types = { events: {} as { type: 'go' }, context: {} as { peer: Peer } };
    setup({ types }).createMachine({
      context: () => ({ peer: undefined as never }),
      on: { go: { actions: sendTo(({ context }) => context.peer, { type: 'reset' }) } },
    });
    never(() => {
      setup({ types }).createMachine({
        context: () => ({ peer: undefined as never }),
        on: {
          go: {
            actions: sendTo(
              ({ context }) => context.peer,
              // @ts-expect-error no such event of the peer
              { type: 'nothing' },
            ),
          },
        },
      });
    });
  });

  it('and here() has the context of whatever agent, never any', () => {
    expectTypeOf(here).returns.not.toBeAny();
    expectTypeOf(here).returns.toExtend<Pick<AgentContext, 'now' | 'random' | 'log'>>();
    expectTypeOf<EventFromLogic<typeof editorMachine>>().toEqualTypeOf<EditorEvent>();
  });
});
