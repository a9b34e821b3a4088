/**
 * What a machine uses inside its own definition: `ask` as an invocable actor, and the actions that
 * answer, fail and keep a request.
 */
import type { EventObject, MachineContext, NonReducibleUnknown, PromiseActorLogic } from 'xstate';
import { here, type Request } from './context.ts';
import type { Ask } from './ask.ts';
import { Interrupted } from './errors.ts';
import type { Life } from './life.ts';
import type {
  AgentName,
  AskOptions,
  Ref,
  ReplyOf,
  ReplyTo,
  RequestNamed,
  RequestOf,
} from './ref.ts';
import { running } from './step.ts';

/** What an invoked ask takes as its input: the request without `type` and `replyTo`. */
export type AskInput<TRequest> = keyof Omit<TRequest, 'type' | 'replyTo'> extends never
  ? NonReducibleUnknown
  : Omit<TRequest, 'type' | 'replyTo'>;

interface AskSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped';
  readonly output: unknown;
  readonly error: unknown;
  readonly input: unknown;
  /** Set when it was restored: it was open then, and is never sent again. */
  readonly interrupted?: boolean;
}

const RESOLVED = 'xstate.promise.resolve';
const REJECTED = 'xstate.promise.reject';

/**
 * An actor for `invoke` that asks an agent: its input is the request, its output the reply. When
 * the machine leaves the state, the ask is cancelled.
 *
 * @example
 * ```ts
 * const machine = setup({ actors: { askEditor: ask(Editor, 'edit') } }).createMachine({
 *   invoke: {
 *     src: 'askEditor',
 *     input: { text: 'a draft' },
 *     onDone: { actions: ({ event }) => console.log(event.output.text) },
 *   },
 * });
 * ```
 */
export function ask<TEvent extends EventObject, TType extends RequestOf<TEvent>['type']>(
  to: Ref<TEvent> | AgentName<Ref<TEvent>>,
  type: TType,
  options: Omit<AskOptions, 'signal'> = {},
): PromiseActorLogic<ReplyOf<RequestNamed<TEvent, TType>>, AskInput<RequestNamed<TEvent, TType>>> {
  const open = new WeakMap<object, { readonly made: Ask; readonly life: Life }>();
  const logic = {
    config: { type, to, timeoutMs: options.timeoutMs },
    getInitialSnapshot: (_scope: unknown, input: unknown): AskSnapshot => ({
      status: 'active',
      output: undefined,
      error: undefined,
      input,
    }),
    getPersistedSnapshot: (snapshot: AskSnapshot) => snapshot,
    restoreSnapshot: (snapshot: AskSnapshot): AskSnapshot => ({ ...snapshot, interrupted: true }),
    start: (snapshot: AskSnapshot, { self }: { self: { send(event: EventObject): void } }) => {
      if (snapshot.status !== 'active') return;
      if (snapshot.interrupted === true) {
        self.send({ type: REJECTED, data: new Interrupted({ message: type }) } as EventObject);
        return;
      }
      const cell = running.cell;
      if (cell === undefined)
        throw new Interrupted({ message: `${type} (asked outside a troupe system)` });
      const { core, life } = cell;
      const settled = (event: object): void => {
        const asked = open.get(self);
        if (asked !== undefined) life.invoked.delete(asked.made);
        self.send(event as EventObject);
      };
      const asker = {
        address: cell.address,
        answered: (data: unknown) => settled({ type: RESOLVED, data }),
        failed: (data: unknown) => settled({ type: REJECTED, data }),
      };
      const request = { ...(snapshot.input as object | undefined), type };
      const made = core.ask(asker, core.destinationOf(to), request, options, life);
      open.set(self, { made, life });
      if (made.state === 'open') life.invoked.add(made);
    },
    transition: (
      snapshot: AskSnapshot,
      event: EventObject & { readonly data?: unknown },
      { self }: { self: object },
    ): AskSnapshot => {
      if (snapshot.status !== 'active') return snapshot;
      const settled = { output: undefined, error: undefined, input: undefined };
      switch (event.type) {
        case RESOLVED:
          return { ...settled, status: 'done', output: event.data };
        case REJECTED:
          return { ...settled, status: 'error', error: event.data };
        case 'xstate.stop': {
          const asked = open.get(self);
          asked?.made.cancel();
          asked?.life.invoked.delete(asked.made);
          return { ...settled, status: 'stopped' };
        }
        default:
          return snapshot;
      }
    },
  };
  return logic as unknown as ReturnType<typeof ask<TEvent, TType>>;
}

/** The arguments that XState gives an action. */
interface ActionArguments<TContext, TEvent> {
  readonly context: TContext;
  readonly event: TEvent;
}

type Answer<TContext, TEvent, TReply> =
  TReply | ((args: ActionArguments<TContext, TEvent>) => TReply);

/** A machine's action that answers the request which the current event is, with an event object or a function of it. */
export function reply<TContext extends MachineContext, TEvent extends EventObject>(
  answer: Answer<TContext, TEvent, ReplyOf<TEvent>>,
): (args: ActionArguments<TContext, TEvent>) => void;
/** A machine's action that answers a request which it has kept, such as one in its context. */
export function reply<
  TContext extends MachineContext,
  TEvent extends EventObject,
  const TReply extends EventObject,
>(answer: {
  readonly to: (args: ActionArguments<TContext, TEvent>) => Request<TReply> | ReplyTo<TReply>;
  readonly with: Answer<TContext, TEvent, TReply>;
}): (args: ActionArguments<TContext, TEvent>) => void;
export function reply(
  answer: unknown,
): (args: ActionArguments<MachineContext, EventObject>) => void {
  return answering((args) => {
    const kept =
      typeof answer === 'object' && answer !== null && 'to' in answer && 'with' in answer;
    const { to, with: value } = kept
      ? (answer as { to: (args: object) => unknown; with: unknown })
      : { to: () => args.event, with: answer };
    const request = to(args) as Request<never> | ReplyTo<never>;
    const message: unknown =
      typeof value === 'function' ? (value as (args: object) => unknown)(args) : value;
    here().reply(
      'replyTo' in request ? request : { type: 'reply', replyTo: request },
      message as never,
    );
  });
}

/** A machine's action that fails the request which the current event is. */
export function fail<TContext extends MachineContext, TEvent extends EventObject>(
  error: unknown,
): (args: ActionArguments<TContext, TEvent>) => void {
  return answering((args) => {
    const cause: unknown =
      typeof error === 'function' ? (error as (args: object) => unknown)(args) : error;
    here().fail(args.event as unknown as Request<never>, cause);
  });
}

const ANSWERING = Symbol('troupe.answering');

/** Marks an action that settles a request and does nothing else, for whoever reads a machine without running it. */
function answering<TAction extends object>(action: TAction): TAction {
  return Object.assign(action, { [ANSWERING]: true });
}

/** Whether an action of a machine is one of `reply` and `fail`. */
export function isAnswering(action: unknown): boolean {
  return typeof action === 'function' && ANSWERING in action;
}

/** The `meta` of a state that postpones events until the state has changed: type it in `setup({ types: { meta } })`. */
export interface PostponeMeta<TEvent extends EventObject = EventObject> {
  readonly postpone?: 'all' | readonly TEvent['type'][];
}
