/**
 * The ordered stream of operations over one link: batches of a turn, numbers that show a gap, and
 * the window that bounds what is on its way. What no frame holds goes in parts, one after the other;
 * only so much is ahead of what was taken, so that a control frame never waits behind it all.
 *
 *     data frame      1 │ number, 4 bytes │ taken, 4 bytes │ operation │ operation │ …
 *     part frame      3 │ number, 4 bytes │ taken, 4 bytes │ bytes of the operation, 4 bytes │ some of them
 *     control frame   2 │ operation
 */
import type { Clock, Scheduler } from '../runtime/index.ts';
import { pack, unpack } from './codec.ts';
import { LANE, frameOf } from './handshake.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { CLOSE, type Link } from './link.ts';
import { Assembly } from './assembly.ts';
import { malformed } from './scan.ts';

const HEADER_BYTES = 9;
const PART_HEADER_BYTES = 13;

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

/** An operation that waits for its frame; the mark comes back once it is taken. */
interface Queued {
  readonly bytes: Uint8Array;
  readonly mark: object | undefined;
}

/** Both directions of one link, after the handshake. */
export class Stream {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #report: StreamReport;
  #queue: Queued[] = [];
  #queuedBytes = 0;
  /** How much of the first in the queue has gone in parts. */
  #partedBytes = 0;
  #isFlushing = false;
  /** Frames that the other side has not taken yet, oldest first. */
  readonly #onWay: { readonly bytes: number; readonly marks: readonly object[] }[] = [];
  #onWayBytes = 0;
  #sent = 0;
  #takenByPeer = 0;
  #arrived = 0;
  #assembly: Assembly | undefined;
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
   * refused. Throws `MalformedFrame` for one beyond `messageBytesMax`. `mark` is given back once it is taken.
   */
  send(operation: readonly unknown[], mustGo: boolean, mark?: object): boolean {
    const bytes = pack(operation);
    const { messageBytesMax, windowBytes, reserveBytes, batchBytes } = TRANSPORT_LIMITS;
    if (bytes.length > messageBytesMax)
      throw malformed(`${bytes.length} bytes; ${messageBytesMax} fit into a message`);
    const waiting = this.waitingBytes + bytes.length;
    if (!mustGo && waiting > windowBytes) return false;
    if (waiting > windowBytes + reserveBytes) {
      this.#report.broken(CLOSE.overload, 'it takes nothing');
      return true;
    }
    this.#queue.push({ bytes, mark });
    this.#queuedBytes += bytes.length;
    if (this.#queuedBytes >= batchBytes) this.flush();
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

  /** Sends what is queued, as far as it may be ahead of what was taken; at the end, all of it. */
  flush(isEnd = false): void {
    while (this.#open && this.#queue.length > 0) {
      if (!isEnd && this.#onWayBytes >= TRANSPORT_LIMITS.aheadBytes) return;
      const { length } = (this.#queue[0] as Queued).bytes;
      if (length > TRANSPORT_LIMITS.frameBytesMax - HEADER_BYTES) this.#sendPart();
      else this.#sendBatch();
    }
  }

  #sendBatch(): void {
    const { batchBytes, frameBytesMax } = TRANSPORT_LIMITS;
    let size = 0;
    let count = 0;
    for (const { bytes } of this.#queue) {
      if (size >= batchBytes || HEADER_BYTES + size + bytes.length > frameBytesMax) break;
      size += bytes.length;
      count += 1;
    }
    const frame = new Uint8Array(HEADER_BYTES + size);
    const marks: object[] = [];
    let at = HEADER_BYTES;
    for (const { bytes, mark } of this.#queue.splice(0, count)) {
      frame.set(bytes, at);
      at += bytes.length;
      if (mark !== undefined) marks.push(mark);
    }
    this.#putNumbered(LANE.data, frame, size, marks);
  }

  #sendPart(): void {
    const { bytes, mark } = this.#queue[0] as Queued;
    const part = bytes.subarray(this.#partedBytes, this.#partedBytes + TRANSPORT_LIMITS.batchBytes);
    const frame = new Uint8Array(PART_HEADER_BYTES + part.length);
    new DataView(frame.buffer).setUint32(HEADER_BYTES, bytes.length);
    frame.set(part, PART_HEADER_BYTES);
    this.#partedBytes += part.length;
    const isLast = this.#partedBytes === bytes.length;
    if (isLast) {
      this.#queue.shift();
      this.#partedBytes = 0;
    }
    this.#putNumbered(LANE.part, frame, part.length, isLast && mark !== undefined ? [mark] : []);
  }

  /** Sends a frame with its number, in which all but the first fields stand. */
  #putNumbered(lane: number, frame: Uint8Array, bytes: number, marks: readonly object[]): void {
    this.#sent = (this.#sent + 1) >>> 0;
    frame[0] = lane;
    const view = new DataView(frame.buffer);
    view.setUint32(1, this.#sent);
    view.setUint32(5, this.#arrived);
    this.#saidTaken = this.#arrived;
    this.#untoldBytes = 0;
    this.#queuedBytes -= bytes;
    this.#onWay.push({ bytes, marks });
    this.#onWayBytes += bytes;
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
    if (this.#saidTaken !== this.#arrived) this.#sayTaken();
    else if (this.#clock.now() - this.#sentAtMs >= TRANSPORT_LIMITS.pingMs)
      this.control('ping', this.#sent, this.#arrived);
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
    else if (bytes[0] === LANE.part) this.#onPart(bytes);
    else throw malformed('an unknown lane');
  }

  #onData(bytes: Uint8Array): void {
    if (bytes.length < HEADER_BYTES) throw malformed('a header too short');
    if (this.#assembly !== undefined) throw malformed('a message that breaks off');
    if (!this.#isNext(bytes)) return;
    this.#tell(unpack(bytes, HEADER_BYTES), bytes);
  }

  #onPart(bytes: Uint8Array): void {
    if (bytes.length <= PART_HEADER_BYTES) throw malformed('an empty part');
    if (!this.#isNext(bytes)) return;
    this.#assembly ??= new Assembly(viewOf(bytes).getUint32(HEADER_BYTES));
    const assembly = this.#assembly;
    assembly.add(bytes.subarray(PART_HEADER_BYTES), viewOf(bytes).getUint32(HEADER_BYTES));
    if (assembly.isWhole) this.#assembly = undefined;
    this.#tell(assembly.isWhole ? unpack(assembly.bytes, 0) : [], bytes);
  }

  /** Whether a frame has the number that is expected. */
  #isNext(bytes: Uint8Array): boolean {
    const number = viewOf(bytes).getUint32(1);
    const expected = (this.#arrived + 1) >>> 0;
    if (number !== expected) {
      this.#report.broken(CLOSE.outOfOrder, `frame ${number} came, expected was ${expected}`);
      return false;
    }
    this.#arrived = number;
    this.#onTaken(viewOf(bytes).getUint32(5));
    return true;
  }

  #tell(operations: readonly unknown[], { length }: Uint8Array): void {
    for (const operation of operations) {
      if (!this.#open) return;
      if (!Array.isArray(operation)) throw malformed('no operation');
      this.#report.operation(operation as unknown[]);
    }
    this.#untoldBytes += length;
    if (this.#untoldBytes >= TRANSPORT_LIMITS.ackBytes) this.#sayTaken();
  }

  #onControl([operation]: readonly unknown[]): void {
    if (!Array.isArray(operation)) throw malformed('no operation');
    const [kind, ...numbers] = operation as unknown[];
    const [first, second] = numbers.filter((one): one is number => Number.isInteger(one));
    if (kind === 'bye') this.#report.goodbye();
    else if (kind === 'taken' && first !== undefined) this.#onTaken(first);
    else if (kind === 'ping' && first !== undefined && second !== undefined)
      this.#onPing(first, second);
    else throw malformed('an unknown control');
  }

  /** What is lost, and was the last that was sent, is missed here: a frame, or the word of one taken. */
  #onPing(sent: number, taken: number): void {
    this.#onTaken(taken);
    if (sent === this.#arrived) return;
    const reason = `frame ${sent} was sent, the last that came was ${this.#arrived}`;
    this.#report.broken(CLOSE.outOfOrder, reason);
  }

  #onTaken(number: number): void {
    const count = (number - this.#takenByPeer) >>> 0;
    if (count > this.#onWay.length) throw malformed('it took what was not sent');
    this.#takenByPeer = number;
    for (const { bytes, marks } of this.#onWay.splice(0, count)) {
      this.#onWayBytes -= bytes;
      for (const mark of marks) this.#report.taken(mark);
    }
    // What is queued waits for the end of its turn, unless it was held back.
    if (this.#queuedBytes >= TRANSPORT_LIMITS.batchBytes || this.#partedBytes > 0) this.flush();
    else if (this.#queue.length > 0) this.#flushLater();
  }

  /** Nothing more goes or comes. */
  end(): void {
    this.#open = false;
    this.#queue = [];
    this.#assembly = undefined;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
