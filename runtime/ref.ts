/**
 * A ref names a place: node and path. It survives restarts of the agent that lives there, can be
 * kept, sent in messages and put into a machine's context, and is an XState actor ref, so `sendTo`,
 * `waitFor` and selectors take it.
 */
import type {
  ActorRef,
  AnyActorLogic,
  EmittedFrom,
  EventFromLogic,
  EventObject,
  OutputFrom,
  Snapshot,
  SnapshotFrom,
} from 'xstate';
import type { Budget } from './envelope.ts';
import type { ExitReason } from './exit.ts';

/** The address that a request carries for its one reply; `sendTo` takes it as a target. */
export interface ReplyTo<TReply extends EventObject> extends ActorRef<Snapshot<undefined>, TReply> {
  /** `node/path` of the asker, with the number of the ask. */
  readonly address: string;
}

/** The events of a union that are requests: those with a `replyTo`. */
export type RequestOf<TEvent> = Extract<TEvent, { readonly replyTo: ReplyTo<never> }>;

/** The reply that a request declares. */
export type ReplyOf<TRequest> = TRequest extends { readonly replyTo: ReplyTo<infer TReply> }
  ? TReply
  : never;

/** A request as its asker writes it: without `replyTo`. */
export type Question<TRequest> = TRequest extends unknown ? Omit<TRequest, 'replyTo'> : never;

/** The request of a union with the given `type`. */
export type RequestNamed<TEvent, TType> = Extract<RequestOf<TEvent>, { readonly type: TType }>;

/** Options of an ask. */
export interface AskOptions {
  /** Deadline in milliseconds; default 5,000 at the root of a task, and never later than the inherited one. */
  readonly timeoutMs?: number;
  /** Ends the wait early: the ask rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Amounts that the work may spend; never more than inherited. */
  readonly budget?: Budget;
}

/** What an ask without options is given: it needs no check. */
export const NO_ASK_OPTIONS: AskOptions = Object.freeze({});

/** Options of a stop. */
export interface StopOptions {
  /** Why; carried as the detail of the `shutdown` reason. */
  readonly detail?: unknown;
  /** Milliseconds until the agent is killed; default: its own `shutdown` option. */
  readonly timeoutMs?: number | 'infinity';
}

/**
 * A handle on an agent: send, ask, watch, stop. Compare refs by `address`, or by identity within a process.
 */
export interface Ref<
  TEvent extends EventObject = never,
  TSnapshot extends Snapshot<unknown> = Snapshot<unknown>,
  TOutput = unknown,
  TEmitted extends EventObject = EventObject,
> extends Omit<ActorRef<TSnapshot, TEvent, TEmitted>, 'stop' | 'start'> {
  /** The node that the agent lives on. */
  readonly node: string;
  /** The place within the node, such as `/desk/workers/w1`. */
  readonly path: string;
  /** `node` and `path` in one string. */
  readonly address: string;
  /**
   * Asks, and resolves with the reply that the request's `replyTo` declares.
   *
   * Rejects with `AskTimeout` (which says how far the request came), `NoSuchActor`, `ActorEnded`,
   * `MailboxFull`, `Unhandled`, `RequestLost`, `HopLimit`, `SystemStopped`, or with what the agent
   * failed it with. At most once: a request is never sent again.
   */
  ask<TType extends RequestOf<TEvent>['type']>(
    request: { readonly type: TType } & Question<RequestNamed<TEvent, TType>>,
    options?: AskOptions,
  ): Promise<ReplyOf<RequestNamed<TEvent, TType>>>;
  /**
   * Sends from outside agents and resolves when the message has got its place in the mailbox, for
   * which it waits under the policy `wait`. Rejects when it gets none: with `MailboxFull`,
   * `NoSuchActor` or `ActorEnded`; the message is a dead letter then. Throws `InvalidOption` in a
   * step of an agent, where a send waits by itself.
   */
  offer(event: TEvent, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Resolves with the agent's output when it ends normally; rejects with `ActorEnded` otherwise. */
  result(): Promise<TOutput>;
  /** Resolves when the agent has started; rejects with `StartFailed`. */
  started(): Promise<void>;
  /** Asks the agent to end (`shutdown`), resolves with its exit reason once it and its children have ended. */
  stop(options?: StopOptions): Promise<ExitReason>;
  /** Ends the agent without any cleanup of its own; resolves once it and its children have ended. */
  kill(): Promise<ExitReason>;
  /** Does nothing: an agent starts by itself. Here so that a ref is an XState actor ref. */
  start(): void;
}

/** A ref to whatever agent: it can be watched and stopped, and nothing can be sent to it. */
export type AnyRef = Ref;

/** The type of the refs to agents of a logic: `RefFrom<typeof editorMachine>`. */
export type RefFrom<TLogic extends AnyActorLogic> = Ref<
  EventFromLogic<TLogic>,
  SnapshotFrom<TLogic>,
  OutputFrom<TLogic>,
  EmittedFrom<TLogic>
>;

declare const namedType: unique symbol;

/** A typed name under which an agent registers and is found: make it with {@link agentName}. */
export interface AgentName<TRef extends AnyRef = AnyRef> {
  readonly name: string;
  readonly [namedType]?: TRef;
}

/** Whatever a message can be addressed to: a ref, or a name that is looked up at the send. */
export type Address<TEvent extends EventObject> =
  { readonly send: (event: TEvent) => void; readonly address: string } | AgentName<Ref<TEvent>>;

/** What all refs of troupe are made of: a mark that nobody else can carry. */
export abstract class Marked {
  // oxlint-disable-next-line eslint/no-unused-private-class-members -- read by `in` below
  readonly #mark = true;

  static marks(value: object): boolean {
    return #mark in value;
  }
}

/** Whether a value is a ref of troupe: to an agent, local or remote, or a `replyTo`. */
export function isRef(
  value: unknown,
): value is { readonly address: string; send(event: EventObject): void } {
  return typeof value === 'object' && value !== null && Marked.marks(value);
}
