/**
 * What can be asked of a supervisor, and how it treats whatever else arrives. The functions of
 * management.ts put the requests into calls.
 */
import type { EventObject } from 'xstate';
import {
  InvalidOption,
  isRef,
  type AgentContext,
  type AnyRef,
  type Exit,
  type ReplyTo,
} from '../runtime/index.ts';
import type { ChildSpec } from './child-spec.ts';
import type { ChildCount, ChildInfo, Started } from './children.ts';

/** What a supervisor can be asked. */
export type SupervisorEvent =
  | {
      readonly type: 'startChild';
      readonly spec: ChildSpec;
      readonly replyTo: ReplyTo<ChildStarted>;
    }
  | { readonly type: 'stopChild'; readonly id: string; readonly replyTo: ReplyTo<Done> }
  | { readonly type: 'restartChild'; readonly id: string; readonly replyTo: ReplyTo<ChildStarted> }
  | { readonly type: 'deleteChild'; readonly id: string; readonly replyTo: ReplyTo<Done> }
  | { readonly type: 'whichChildren'; readonly replyTo: ReplyTo<ChildList> }
  | { readonly type: 'countChildren'; readonly replyTo: ReplyTo<ChildCounted> }
  | {
      readonly type: 'getChildSpec';
      readonly id: string;
      readonly replyTo: ReplyTo<ChildSpecFound>;
    };

/** What a dynamic supervisor can be asked: it knows its children by ref. */
export type DynamicSupervisorEvent =
  | {
      readonly type: 'startChild';
      readonly spec: ChildSpec;
      readonly replyTo: ReplyTo<ChildStarted>;
    }
  | { readonly type: 'stopChild'; readonly ref: AnyRef; readonly replyTo: ReplyTo<Done> }
  | { readonly type: 'whichChildren'; readonly replyTo: ReplyTo<ChildList> }
  | { readonly type: 'countChildren'; readonly replyTo: ReplyTo<ChildCounted> }
  | {
      readonly type: 'getChildSpec';
      readonly ref: AnyRef;
      readonly replyTo: ReplyTo<ChildSpecFound>;
    };

export type ChildStarted = {
  readonly type: 'childStarted';
  /** Undefined when the child had nothing to do (`ctx.ignore()`). */
  readonly ref: AnyRef | undefined;
  /** What the child handed over with `ctx.startInfo`. */
  readonly info: unknown;
};
export type Done = { readonly type: 'done' };
export type ChildList = { readonly type: 'children'; readonly children: readonly ChildInfo[] };
export type ChildCounted = { readonly type: 'count'; readonly count: ChildCount };
export type ChildSpecFound = { readonly type: 'childSpec'; readonly spec: ChildSpec };

/** Tells of a start. What the child handed over may be nothing that can be sent: that is no failure of the start. */
export function answerStarted(
  ctx: AgentContext<EventObject>,
  request: { readonly type: string; readonly replyTo: ReplyTo<ChildStarted> },
  { ref, info }: Started,
): void {
  try {
    ctx.reply(request, { type: 'childStarted', ref, info });
  } catch (error) {
    ctx.fail(request, error);
  }
}

/** Whether an event can be answered at all: one that was sent instead of asked cannot. */
export function isRequest<TEvent extends { readonly replyTo: unknown }>(event: TEvent): boolean {
  return isRef(event.replyTo);
}

/** An exit signal of its parent ends a supervisor, whatever the reason; that of a stranger means nothing. */
export function obeyParent(ctx: AgentContext<EventObject>, { from, reason }: Exit): void {
  if (from !== undefined && from.address === ctx.parent?.address) ctx.end(reason);
}

/** Says no to a message that a supervisor does not know. */
export function unknownMessage(ctx: AgentContext<EventObject>, event: EventObject): void {
  ctx.log.warn({ message: event.type }, 'a supervisor got a message that it does not know');
  if (!('replyTo' in event) || !isRef(event.replyTo)) return;
  const allowed = 'what this kind of supervisor can be asked';
  const error = new InvalidOption({ field: 'request', given: event.type, allowed });
  ctx.fail(event as never, error);
}
