/**
 * The notation in which the programs of the corpus are written: function agents in as few words as
 * in the text that describes them.
 *
 *     X→Y m        ctx.send(y, { type: 'm' })
 *     r = X⇒Y m    const r = yield* ctx.ask(y, { type: 'm' }): X hears nothing else until the reply
 *     env→X m      stage.send(x, { type: 'm' })
 *     C⇒X m        client(stage, 'C', x, 'm'): an agent that asks once, from the start on
 *
 * What an agent remembers is its state and never a closure: the simulator compares states.
 */
import type { EventObject } from 'xstate';
import {
  fromHandler,
  type AgentContext,
  type Handled,
  type HandlerLogic,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { done, type Stage } from 'troupe/simulation';

/** The plain answer, for those who only wait for it. */
export type Ok = { readonly type: 'ok' };
export const ok: Ok = { type: 'ok' };

/** A request without content that is answered with {@link Ok}: `Request<'take'>`. */
export type Request<TType extends string> = TType extends unknown
  ? { readonly type: TType; readonly replyTo: ReplyTo<Ok> }
  : never;

/** A message without content: `Tell<'go' | 'stop'>`. */
export type Tell<TType extends string> = TType extends unknown ? { readonly type: TType } : never;

/** An agent without a state. */
export function agent<TEvent extends EventObject>(
  receive: (event: TEvent, ctx: AgentContext<TEvent>) => Handled<undefined>,
): HandlerLogic<undefined, TEvent> {
  return fromHandler({
    receive: (_state: undefined, event: TEvent, ctx: AgentContext<TEvent>) => receive(event, ctx),
  });
}

/** An agent with a state; what its handler returns is the next one. */
export function stateful<TState, TEvent extends EventObject>(
  initial: TState,
  receive: (state: TState, event: TEvent, ctx: AgentContext<TEvent>) => Handled<TState>,
): HandlerLogic<TState, TEvent> {
  return fromHandler<TState, TEvent>({
    initial: () => initial,
    receive: receive as (
      state: TState,
      event: TEvent,
      ctx: AgentContext<TEvent>,
    ) => Handled<NoInfer<TState>>,
  });
}

/** A ref to an agent at the top, which may be spawned later. */
export function at<TEvent extends EventObject>({ system }: Stage, id: string): Ref<TEvent> {
  return system.ref(`/${id}`) as Ref<TEvent>;
}

/** A client that asks once; the task `finished` is done when it has the answer. */
export function client<TType extends string>(
  stage: Stage,
  id: string,
  to: Ref<Request<TType>>,
  type: TType,
  finished?: string,
): void {
  stage.client(id, function* (ctx) {
    yield* ctx.ask(to, { type } as never);
    if (finished !== undefined) done(finished);
  });
}
