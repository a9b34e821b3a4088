/**
 * The ordered stream of operations over one link: batches of a turn, numbers that show a gap, and
 * the window that bounds what is on its way.
 *
 *     data frame      1 │ number, 4 bytes │ taken, 4 bytes │ operation │ operation │ …
 *     control frame   2 │ operation
 */
import type { Clock, Scheduler } from '../runtime/index.ts';
import { pack, unpack } from './codec.ts';
import { LANE, frameOf } from './handshake.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { CLOSE, type Link } from './link.ts';
import { malformed } from './scan.ts';

const HEADER_BYTES = 9;

/** What a stream tells its peer. */
export interface StreamReport {
  operation(operation: readonly unknown[]): void;
  /** The other side says farewell. */
  goodbye(): void;
  /** The stream cannot go on. */
  broken(code: number, reason: string): void;
  /** The other side has taken the operation with this mark. */
  taken(mark: object): void;
}

/** Both directions of one link, after the handshake. */
export class Stream {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #report: StreamReport;
  #queue: { readonly bytes: Uint8Array; readonly mark: object | undefined }[] = [];
  #queuedBytes = 0;
  /** Whether something is queued because the link is behind. */
  #isHeld = false;
  #isFlushing = false;
  /** Frames that the other side has not taken yet, oldest first. */
  readonly #onWay: { readonly bytes: number; readonly marks: readonly object[] }[] = [];
  #onWayBytes = 0;
  #sent = 0;
  #takenByPeer = 0;
  #arrived = 0;
  #saidTaken = 0;
  #untoldBytes = 0;
  #sentAtMs: number;
  heardAtMs: number;
  #open = true;

  constructor(link: Link, clock: Clock, scheduler: Scheduler, report: StreamReport) {
    this.#link = link;
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#report = report;
    this.#sentAtMs = this.heardAtMs = clock.now();
  }

  /** Bytes that the other side has not taken yet. */
  get waitingBytes(): number {
    return this.#queuedBytes + this.#onWayBytes;
  }

  /**
   * Queues an operation for the end of the turn; false when the window is full and it can be
   * refused. Throws `MalformedFrame` for one that no frame holds. `mark` is given back once it is taken.
   */
  send(operation: readonly unknown[], mustGo: boolean, mark?: object): boolean {
    const bytes = pack(operation);
    if (bytes.length > TRANSPORT_LIMITS.frameBytesMax - HEADER_BYTES) {
      throw malformed(`${bytes.length} bytes; ${TRANSPORT_LIMITS.frameBytesMax} fit into a frame`);
    }
    const { windowBytes, reserveBytes } = TRANSPORT_LIMITS;
    const waiting = this.waitingBytes + weightOf(bytes);
    if (!mustGo && waiting > windowBytes) return false;
    if (waiting > windowBytes + reserveBytes) {
      this.#report.broken(CLOSE.overload, 'it takes nothing');
      return true;
    }
    this.#queue.push({ bytes, mark });
    this.#queuedBytes += weightOf(bytes);
    if (this.#queuedBytes >= TRANSPORT_LIMITS.batchBytes) this.flush();
    else this.#flushLater();
    return true;
  }

  /** A turn at the tail of the run queue: whoever is ready before adds to the same frame. */
  #flushLater(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const run = (): boolean => {
      this.#isFlushing = false;
      this.flush();
      return false;
    };
    this.#scheduler.enqueue({ run });
  }

  /** Sends what is queued, or, unless it `mustGo`, as much of it as the link takes without falling behind. */
  flush(mustGo = false): void {
    let from = 0;
    while (this.#open && from < this.#queue.length && (mustGo || !this.#isBehind)) {
      const to = this.#frameEnd(from);
      this.#sendFrame(this.#queue.slice(from, to));
      from = to;
    }
    this.#queue.splice(0, from);
    this.#isHeld = this.#queue.length > 0;
  }

  get #isBehind(): boolean {
    const { highWaterBytes, lowWaterBytes } = TRANSPORT_LIMITS;
    return this.#link.bufferedBytes > (this.#isHeld ? lowWaterBytes : highWaterBytes);
  }

  /** Where the frame ends that begins at an operation of the queue. */
  #frameEnd(from: number): number {
    let to = from;
    for (let bytes = HEADER_BYTES; to < this.#queue.length; to += 1) {
      bytes += this.#queue[to]!.bytes.length;
      if (to > from && bytes > TRANSPORT_LIMITS.frameBytesMax) break;
    }
    return to;
  }

  #sendFrame(
    operations: readonly { readonly bytes: Uint8Array; readonly mark: object | undefined }[],
  ): void {
    let size = HEADER_BYTES;
    let weight = 0;
    for (const { bytes } of operations) {
      size += bytes.length;
      weight += weightOf(bytes);
    }
    const frame = new Uint8Array(size);
    this.#sent = (this.#sent + 1) >>> 0;
    frame[0] = LANE.data;
    const view = new DataView(frame.buffer);
    view.setUint32(1, this.#sent);
    view.setUint32(5, this.#arrived);
    this.#saidTaken = this.#arrived;
    this.#untoldBytes = 0;
    let at = HEADER_BYTES;
    const marks: object[] = [];
    for (const { bytes, mark } of operations) {
      frame.set(bytes, at);
      at += bytes.length;
      if (mark !== undefined) marks.push(mark);
    }
    this.#onWay.push({ bytes: weight, marks });
    this.#onWayBytes += weight;
    this.#queuedBytes -= weight;
    this.#put(frame);
  }

  /** Sends a control operation ahead of what is queued. */
  control(...operation: readonly unknown[]): void {
    if (this.#open) this.#put(frameOf(LANE.control, pack(operation)));
  }

  #put(frame: Uint8Array): void {
    this.#sentAtMs = this.#clock.now();
    this.#link.send(frame);
  }

  /** What a regular look at it does: says what was taken, or that it is there. */
  tick(): void {
    if (this.#isHeld) this.flush();
    // A peer that sends and never reads would have them pile up here.
    if (this.#isBehind) return;
    if (this.#saidTaken !== this.#arrived) this.#sayTaken();
    else if (this.#clock.now() - this.#sentAtMs >= TRANSPORT_LIMITS.pingMs) this.control('ping');
  }

  #sayTaken(): void {
    this.#saidTaken = this.#arrived;
    this.#untoldBytes = 0;
    this.control('taken', this.#arrived);
  }

  /** Takes a frame. Throws `MalformedFrame`. */
  take(bytes: Uint8Array): void {
    this.heardAtMs = this.#clock.now();
    if (bytes[0] === LANE.control) this.#onControl(unpack(bytes, 1));
    else if (bytes[0] === LANE.data) this.#onData(bytes);
    else throw malformed('an unknown lane');
  }

  #onData(bytes: Uint8Array): void {
    if (bytes.length < HEADER_BYTES) throw malformed('a header too short');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const number = view.getUint32(1);
    const expected = (this.#arrived + 1) >>> 0;
    if (number !== expected) {
      this.#report.broken(CLOSE.outOfOrder, `frame ${number} came, expected was ${expected}`);
      return;
    }
    const operations = unpack(bytes, HEADER_BYTES);
    this.#arrived = number;
    this.#onTaken(view.getUint32(5));
    for (const operation of operations) {
      if (!this.#open) return;
      if (!Array.isArray(operation)) throw malformed('no operation');
      this.#report.operation(operation as unknown[]);
    }
    this.#untoldBytes += bytes.length;
    if (this.#untoldBytes >= TRANSPORT_LIMITS.ackBytes && !this.#isBehind) this.#sayTaken();
  }

  #onControl([operation]: readonly unknown[]): void {
    if (!Array.isArray(operation)) throw malformed('no operation');
    const [kind, number] = operation as unknown[];
    if (kind === 'taken' && Number.isInteger(number)) this.#onTaken(number as number);
    else if (kind === 'bye') this.#report.goodbye();
    else if (kind !== 'ping') throw malformed('an unknown control');
  }

  #onTaken(number: number): void {
    const count = (number - this.#takenByPeer) >>> 0;
    if (count > this.#onWay.length) throw malformed('it took what was not sent');
    this.#takenByPeer = number;
    for (const { bytes, marks } of this.#onWay.splice(0, count)) {
      this.#onWayBytes -= bytes;
      for (const mark of marks) this.#report.taken(mark);
    }
    // What was held leaves when the link has caught up.
    if (this.#isHeld) this.flush();
  }

  /** Nothing more goes or comes. */
  end(): void {
    this.#open = false;
    this.#queue = [];
  }
}

/** What an operation costs while it waits: it is an object here and there, however small. */
function weightOf(bytes: Uint8Array): number {
  return bytes.length + TRANSPORT_LIMITS.operationBytes;
}
