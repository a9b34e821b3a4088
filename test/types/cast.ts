/** The logics that the tests of types share. */
import { assign, setup } from 'xstate';
import { agentName, fromHandler, reply, type PostponeMeta, type ReplyTo } from 'troupe';

export interface Edited {
  readonly type: 'edited';
  readonly text: string;
}
export interface Total {
  readonly type: 'total';
  readonly total: number;
}

export type EditorEvent =
  | { type: 'edit'; text: string; replyTo: ReplyTo<Edited> }
  | { type: 'count'; replyTo: ReplyTo<Total> }
  | { type: 'reset' };

/** A machine with input, context, output, emitted events and two requests. */
export const editorMachine = setup({
  types: {
    events: {} as EditorEvent,
    context: {} as { edits: number },
    input: {} as { style: string },
    output: {} as { done: true },
    emitted: {} as { type: 'saved'; at: number },
    meta: {} as PostponeMeta<EditorEvent>,
  },
}).createMachine({
  context: ({ input }) => ({ edits: input.style.length }),
  initial: 'ready',
  states: {
    ready: {
      meta: { postpone: ['count'] },
      on: {
        edit: { actions: reply(({ event }) => ({ type: 'edited', text: event.text })) },
        reset: { target: 'off', actions: assign({ edits: 0 }) },
      },
    },
    off: { type: 'final' },
  },
  output: { done: true },
});

export type CounterEvent =
  | { type: 'add'; amount: number }
  | { type: 'read'; replyTo: ReplyTo<Total> }
  | { type: 'edit'; text: string; replyTo: ReplyTo<Edited> };

/** A function agent without an input. */
export const counter = fromHandler({
  initial: () => 0,
  receive(total: number, event: CounterEvent, ctx) {
    if (event.type === 'add') return total + event.amount;
    if (event.type === 'read') ctx.reply(event, { type: 'total', total });
    else ctx.reply(event, { type: 'edited', text: event.text });
    return total;
  },
});

export const Editor = agentName<typeof editorMachine>('editor');
export const Counter = agentName<typeof counter>('counter');
