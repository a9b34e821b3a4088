/**
 * The management calls, as functions for code outside agents. Inside an agent, ask the supervisor
 * with `ctx.ask(supervisor, { type: 'startChild', spec })`.
 *
 * As in OTP none of them has a deadline: a supervisor is busy while a child starts or stops.
 */
import type { AnyActorLogic } from 'xstate';
import type { AnyRef, Ref, RefFrom, ReplyTo } from '../runtime/index.ts';
import { ChildSpec } from './child-spec.ts';
import type { ChildCount, ChildInfo } from './children.ts';
import { ChildIgnored } from './errors.ts';
import type { ChildCounted, ChildList, ChildSpecFound, ChildStarted, Done } from './request.ts';

type Start = {
  readonly type: 'startChild';
  readonly spec: ChildSpec;
  readonly replyTo: ReplyTo<ChildStarted>;
};
type Which = { readonly type: 'whichChildren'; readonly replyTo: ReplyTo<ChildList> };
type Count = { readonly type: 'countChildren'; readonly replyTo: ReplyTo<ChildCounted> };
type Named<TType, TReply extends { type: string }> = {
  readonly type: TType;
  readonly id: string;
  readonly replyTo: ReplyTo<TReply>;
};

const FOREVER = { timeoutMs: Infinity };

/**
 * Starts a child and gives its ref. Rejects with `AlreadyStarted`, `AlreadyPresent`, `MaxChildren`,
 * `StartFailed`, or `ChildIgnored` when the child had nothing to do.
 */
export async function startChild<TLogic extends AnyActorLogic>(
  supervisor: Ref<Start>,
  spec: ChildSpec<TLogic>,
): Promise<RefFrom<TLogic>> {
  // Checked here, so that a bad spec does not trouble the supervisor.
  const checked = ChildSpec.from(spec as ChildSpec, 'spec');
  const { ref } = await supervisor.ask({ type: 'startChild', spec: checked }, FOREVER);
  if (ref === undefined) throw new ChildIgnored({ id: checked.id });
  return ref as RefFrom<TLogic>;
}

/** Stops a child, by id, or by ref under a dynamic supervisor. Rejects with `ChildNotFound`. */
export async function stopChild(
  supervisor: Ref<Named<'stopChild', Done>>,
  id: string,
): Promise<void>;
export async function stopChild(
  supervisor: Ref<{
    readonly type: 'stopChild';
    readonly ref: AnyRef;
    readonly replyTo: ReplyTo<Done>;
  }>,
  ref: AnyRef,
): Promise<void>;
export async function stopChild(supervisor: AnyRef, child: string | AnyRef): Promise<void> {
  const which = typeof child === 'string' ? { id: child } : { ref: child };
  await (supervisor as Ref<Named<'stopChild', Done>>).ask(
    { type: 'stopChild', ...which } as never,
    FOREVER,
  );
}

/** Starts a stopped child again. Rejects with `ChildRunning`, `ChildRestarting`, `ChildNotFound` or `StartFailed`. */
export async function restartChild(
  supervisor: Ref<Named<'restartChild', ChildStarted>>,
  id: string,
): Promise<AnyRef> {
  const { ref } = await supervisor.ask({ type: 'restartChild', id }, FOREVER);
  if (ref === undefined) throw new ChildIgnored({ id });
  return ref;
}

/** Forgets a stopped child. Rejects with `ChildRunning`, `ChildRestarting` or `ChildNotFound`. */
export async function deleteChild(
  supervisor: Ref<Named<'deleteChild', Done>>,
  id: string,
): Promise<void> {
  await supervisor.ask({ type: 'deleteChild', id }, FOREVER);
}

/** The children, newest first. */
export async function whichChildren(supervisor: Ref<Which>): Promise<readonly ChildInfo[]> {
  return (await supervisor.ask({ type: 'whichChildren' }, FOREVER)).children;
}

/** How many children there are. */
export async function countChildren(supervisor: Ref<Count>): Promise<ChildCount> {
  return (await supervisor.ask({ type: 'countChildren' }, FOREVER)).count;
}

/** A child's spec with every default filled in, by id, or by ref under a dynamic supervisor. Rejects with `ChildNotFound`. */
export async function getChildSpec(
  supervisor: Ref<Named<'getChildSpec', ChildSpecFound>>,
  id: string,
): Promise<ChildSpec>;
export async function getChildSpec(
  supervisor: Ref<{
    readonly type: 'getChildSpec';
    readonly ref: AnyRef;
    readonly replyTo: ReplyTo<ChildSpecFound>;
  }>,
  ref: AnyRef,
): Promise<ChildSpec>;
export async function getChildSpec(supervisor: AnyRef, child: string | AnyRef): Promise<ChildSpec> {
  const which = typeof child === 'string' ? { id: child } : { ref: child };
  const request = { type: 'getChildSpec', ...which } as never;
  return (await (supervisor as Ref<Named<'getChildSpec', ChildSpecFound>>).ask(request, FOREVER))
    .spec;
}
