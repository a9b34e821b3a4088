/**
 * An ask: one open request, from the moment it is made until it is answered, failed, expired or
 * cancelled, exactly once. Whoever holds it has the obligation to answer.
 *
 *     made -> queued -> held -> settled
 *                 \______/ forwarded: queued at the next holder
 */
import type { EventObject, Snapshot, Subscription } from 'xstate';
import type { Cell } from './cell.ts';
import type { Destination, Envelope, Lineage } from './envelope.ts';
import { AskTimeout, NotLocal, type AskProgress } from './errors.ts';
import type { AskList } from './ask-list.ts';
import type { Ledger } from './ledger.ts';
import { Marked, type ReplyTo } from './ref.ts';
import type { Timer } from './timers.ts';

/** What an ask tells its asker: a value or an error, once. */
export interface Asker {
  /** The address of the agent that asked; undefined for code outside agents. */
  readonly address: string | undefined;
  answered(reply: unknown): void;
  /** Throws `UnfitPayload` for a reply that cannot reach it; absent: every reply can. */
  check?(reply: object): void;
  failed(error: unknown): void;
}

/** Who can hold a request: the life of an agent. */
export interface Holder {
  readonly address: string;
  readonly obligations: AskList;
}

/** The failure of a request on its way to the asker: like a reply it leaves when the step ends. */
export class Failure {
  readonly type = 'troupe.failure';
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** One open request and the destination of its reply. */
export class Ask implements Destination {
  readonly id: number;
  readonly replyTo: ReplyTo<EventObject>;
  /** The request's `type`. */
  readonly request: string;
  /** Where it was sent. */
  readonly target: string;
  readonly timeoutMs: number;
  /** Of the newest envelope that carries the request: a forward is one hop more. */
  lineage: Lineage;
  readonly madeAtMs: number;
  readonly #ledger: Ledger;
  readonly #asker: Asker;
  readonly #origin: string;
  state: 'open' | 'answered' | 'failed' | 'expired' | 'cancelled' = 'open';
  progress: AskProgress = 'not delivered';
  /** The life that must answer; undefined while the request is on its way or queued. */
  holder: Holder | undefined;
  /** The place where it waits or is handled; undefined while it, or its answer, is on its way. */
  at: Cell | undefined;
  /** When its holder took it; only while a watchdog looks. */
  takenAtMs = NaN;
  /** The holder has said that it answers later. */
  deferred = false;
  /** Of its deadline, while it is open. */
  timer: Timer | undefined;
  /** @internal Its places in the lists that it stands in. */
  openAt = -1;
  heldAt = -1;
  askedAt = -1;
  /** Set by the place where it waits for room, or by the way to another node; called by the ledger. */
  onSettled: (() => void) | undefined;

  constructor(
    ledger: Ledger,
    id: number,
    asker: Asker,
    origin: string,
    request: string,
    target: string,
    timeoutMs: number,
    lineage: Lineage,
    madeAtMs: number,
    send: (to: Ask, reply: EventObject) => void,
  ) {
    this.#ledger = ledger;
    this.#asker = asker;
    this.id = id;
    this.request = request;
    this.target = target;
    this.timeoutMs = timeoutMs;
    this.lineage = lineage;
    this.madeAtMs = madeAtMs;
    this.#origin = origin;
    this.replyTo = new ReplyRef(this, send);
  }

  /** The address of its asker, and its number there. */
  get address(): string {
    return `${this.#asker.address ?? this.#origin}#ask${this.id}`;
  }

  /** The address of the agent that asked; undefined for code outside agents. */
  get by(): string | undefined {
    return this.#asker.address;
  }

  check(reply: object): void {
    // An error goes anywhere: of what it holds, its text does.
    if (!(reply instanceof Failure)) this.#asker.check?.(reply);
  }

  /** A reply arrives: the choke point hands it here as to any destination. */
  accept(envelope: Envelope): undefined {
    const { message } = envelope;
    if (this.state !== 'open') this.#ledger.lateReply(this, envelope);
    else if (message instanceof Failure) this.fail(message.error);
    else {
      this.#ledger.settle(this, 'answered');
      this.#asker.answered(message);
    }
    return undefined;
  }

  /** Fails the ask; nothing happens when it has settled already. */
  fail(error: unknown): void {
    if (this.state !== 'open') return;
    this.#ledger.settle(this, 'failed', error);
    this.#asker.failed(error);
  }

  /** The deadline has passed. */
  expire(): void {
    if (this.state !== 'open') return;
    const { target, request, timeoutMs, progress } = this;
    const error = new AskTimeout({ address: target, message: request, timeoutMs, progress });
    this.#ledger.settle(this, 'expired', error);
    this.#asker.failed(error);
  }

  /** Nobody waits for the reply any more. */
  cancel(): void {
    if (this.state === 'open') this.#ledger.settle(this, 'cancelled');
  }
}

/** The `replyTo` of a request: an XState actor ref to which exactly one thing can be sent. */
class ReplyRef extends Marked implements ReplyTo<EventObject> {
  readonly #ask: Ask;
  readonly #send: (to: Ask, reply: EventObject) => void;
  #bound: ((reply: EventObject) => void) | undefined;

  static askOf(replyTo: ReplyRef): Ask {
    return replyTo.#ask;
  }

  constructor(ask: Ask, send: (to: Ask, reply: EventObject) => void) {
    super();
    this.#ask = ask;
    this.#send = send;
  }

  /** A closure, since machines take `event.replyTo.send` apart in their own code; made for the first of them. */
  get send(): (reply: EventObject) => void {
    return (this.#bound ??= (reply) => this._send(reply));
  }

  get address(): string {
    return this.#ask.address;
  }
  get id(): string {
    return this.#ask.address;
  }
  get sessionId(): string {
    return this.#ask.address;
  }
  get src(): string {
    return 'troupe.ask';
  }
  get system(): never {
    throw this.#notLocal('system');
  }

  /** @internal What XState's `sendTo` calls. */
  _send(reply: EventObject): void {
    this.#send(this.#ask, reply);
  }

  getSnapshot(): Snapshot<undefined> {
    return {
      status: this.#ask.state === 'open' ? 'active' : 'stopped',
      output: undefined,
      error: undefined,
    };
  }
  getPersistedSnapshot(): Snapshot<undefined> {
    return this.getSnapshot();
  }
  start(): void {}
  stop(): void {}
  subscribe(): Subscription {
    throw this.#notLocal('subscribe');
  }
  on(): Subscription {
    throw this.#notLocal('on');
  }
  select(): never {
    throw this.#notLocal('select');
  }
  [Symbol.observable](): never {
    throw this.#notLocal('observe');
  }
  toJSON(): { readonly address: string } {
    return { address: this.address };
  }

  #notLocal(asked: string): NotLocal {
    return new NotLocal({ address: this.address, asked: `${asked} of a replyTo` });
  }
}

/** The request behind a `replyTo`, settled or not, while it lives in this process. */
export function askOf(replyTo: unknown): Ask | undefined {
  return replyTo instanceof ReplyRef ? ReplyRef.askOf(replyTo) : undefined;
}
