/**
 * The ordered stream of operations over one link: batches of a turn, numbers that show a gap, and
 * the window that bounds what is on its way. What no frame holds goes in parts, one after the other.
 *
 *     data frame      1 │ number, 4 bytes │ taken, 4 bytes │ operation │ operation │ …
 *     part frame      3 │ number, 4 bytes │ taken, 4 bytes │ bytes of the operation, 4 bytes │ some of them
 *     control frame   2 │ operation
 */
import type { Clock, Scheduler } from '../runtime/index.ts';
import { Assembly } from './assembly.ts';
import { pack, unpack } from './codec.ts';
import { LANE, frameOf } from './handshake.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { CLOSE, type Link } from './link.ts';
import { malformed } from './scan.ts';

const HEADER_BYTES = 9;
const PART_HEADER_BYTES = 13;

/** An operation that waits for its frame; the mark comes back once it is taken. */
interface Queued {
  readonly bytes: Uint8Array;
  readonly mark: object | undefined;
}

/** What a stream tells its peer. */
export interface StreamReport {
  operation(operation: readonly unknown[]): void;
  /** The other side says farewell. */
  goodbye(): void;
  /** The other side says that its process stood still. */
  stalled(stalledMs: number): void;
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
  #queue: Queued[] = [];
  #queuedBytes = 0;
  /** How much of the first in the queue has gone in parts. */
  #partedBytes = 0;
  /** Whether something is queued because the link is behind. */
  #isHeld = false;
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
    const { messageBytesMax, windowBytes, reserveBytes } = TRANSPORT_LIMITS;
    if (bytes.length > messageBytesMax)
      throw malformed(`${bytes.length} bytes; ${messageBytesMax} fit into a message`);
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
      const first = this.#queue[from] as Queued;
      if (first.bytes.length > TRANSPORT_LIMITS.frameBytesMax - HEADER_BYTES) {
        if (this.#sendPart(first)) from += 1;
        continue;
      }
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

  #sendFrame(operations: readonly Queued[]): void {
    let size = HEADER_BYTES;
    let weight = 0;
    for (const { bytes } of operations) {
      size += bytes.length;
      weight += weightOf(bytes);
    }
    const frame = new Uint8Array(size);
    let at = HEADER_BYTES;
    const marks: object[] = [];
    for (const { bytes, mark } of operations) {
      frame.set(bytes, at);
      at += bytes.length;
      if (mark !== undefined) marks.push(mark);
    }
    this.#putNumbered(LANE.data, frame, weight, marks);
  }

  /** Sends the next part of an operation; true when it was the last. */
  #sendPart({ bytes, mark }: Queued): boolean {
    const part = bytes.subarray(this.#partedBytes, this.#partedBytes + TRANSPORT_LIMITS.batchBytes);
    const frame = new Uint8Array(PART_HEADER_BYTES + part.length);
    viewOf(frame).setUint32(HEADER_BYTES, bytes.length);
    frame.set(part, PART_HEADER_BYTES);
    this.#partedBytes += part.length;
    const isLast = this.#partedBytes === bytes.length;
    if (isLast) this.#partedBytes = 0;
    const weight = isLast ? weightOf(part) : part.length;
    this.#putNumbered(LANE.part, frame, weight, isLast && mark !== undefined ? [mark] : []);
    return isLast;
  }

  /** Sends a frame in whose header only its lane and the numbers are missing. */
  #putNumbered(lane: number, frame: Uint8Array, weight: number, marks: readonly object[]): void {
    this.#sent = (this.#sent + 1) >>> 0;
    frame[0] = lane;
    viewOf(frame).setUint32(1, this.#sent);
    viewOf(frame).setUint32(5, this.#arrived);
    this.#saidTaken = this.#arrived;
    this.#untoldBytes = 0;
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
    if (this.#untoldBytes >= TRANSPORT_LIMITS.ackBytes && !this.#isBehind) this.#sayTaken();
  }

  #onControl([operation]: readonly unknown[]): void {
    if (!Array.isArray(operation)) throw malformed('no operation');
    const [kind, ...numbers] = operation as unknown[];
    const [first, second] = numbers.filter((one): one is number => Number.isInteger(one));
    if (kind === 'bye') this.#report.goodbye();
    else if (kind === 'stalled' && first !== undefined) this.#report.stalled(first);
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
    // What was held leaves when the link has caught up.
    if (this.#isHeld) this.flush();
  }

  /** Nothing more goes or comes. */
  end(): void {
    this.#open = false;
    this.#queue = [];
    this.#assembly = undefined;
  }
}

/** What an operation costs while it waits: it is an object here and there, however small. */
function weightOf(bytes: Uint8Array): number {
  return bytes.length + TRANSPORT_LIMITS.operationBytes;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
