/**
 * A probe: an agent that only listens, so that a test can say what it expects to arrive.
 */
import type { EventObject } from 'xstate';
import {
  TroupeError,
  fromHandler,
  type AgentContext,
  type Ref,
  type ReplyOf,
  type RequestOf,
} from '../runtime/index.ts';

/** Thrown when an expectation of a probe is not met; says what had arrived instead. */
export class ProbeError extends TroupeError {
  readonly code = 'PROBE';

  constructor(expected: string, arrived: readonly EventObject[]) {
    const types = arrived.map((message) => message.type);
    super(`expected ${expected}; arrived: ${types.length === 0 ? 'nothing' : types.join(', ')}`, {
      expected,
      types,
    });
  }
}

type Named<TEvent, TType> = Extract<TEvent, { readonly type: TType }>;

/** An agent of a test: it keeps what it gets, in order. */
export class Probe<TEvent extends EventObject = EventObject> {
  readonly ref: Ref<TEvent>;
  readonly #settle: () => Promise<void>;
  readonly #arrived: TEvent[] = [];
  #context: AgentContext<TEvent> | undefined;

  constructor(
    spawn: (logic: ReturnType<typeof fromHandler<undefined, TEvent>>) => Ref<TEvent>,
    settle: () => Promise<void>,
  ) {
    this.#settle = settle;
    this.ref = spawn(
      fromHandler<undefined, TEvent>({
        start: (_state, ctx) => {
          this.#context = ctx;
        },
        receive: (_state, event, ctx) => {
          // A request stays open until the test answers it.
          if ('replyTo' in event) ctx.defer(event as never);
          this.#arrived.push(event);
        },
      }),
    );
  }

  /** What has arrived and was not expected yet, oldest first. */
  get messages(): readonly TEvent[] {
    return this.#arrived;
  }

  /** The probe's own context: send, link and monitor as this agent. Settle once before the first use. */
  get context(): AgentContext<TEvent> {
    if (this.#context === undefined)
      throw new ProbeError('a settled system before the use of a context', []);
    return this.#context;
  }

  /** Settles the system and takes the oldest message, which must have this `type`. */
  async expectMessage<TType extends TEvent['type']>(type: TType): Promise<Named<TEvent, TType>> {
    await this.#settle();
    const [message] = this.#arrived;
    if (message?.type !== type) throw new ProbeError(`"${type}" next`, this.#arrived);
    this.#arrived.shift();
    return message as unknown as Named<TEvent, TType>;
  }

  /** Settles the system; nothing more must have arrived. */
  async expectNoMessage(): Promise<void> {
    await this.#settle();
    if (this.#arrived.length > 0) throw new ProbeError('no message', this.#arrived);
  }

  /** Answers a request that has arrived. */
  reply<TRequest extends RequestOf<TEvent>>(request: TRequest, reply: ReplyOf<TRequest>): void {
    this.context.reply(request as never, reply as never);
  }
}
