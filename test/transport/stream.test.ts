// One stream over a link whose buffer the test holds: what waits, where, and how much of it.

import { createSteppedScheduler, createVirtualClock } from 'troupe';
import { TRANSPORT_LIMITS, type Link } from 'troupe/transport';
import { beforeEach, describe, expect, it } from 'vitest';
// The stream and the codec are no part of the public surface.
import { pack, unpack } from '../../transport/codec.ts';
import { Stream } from '../../transport/stream.ts';

const HEADER_BYTES = 9;
const { highWaterBytes, lowWaterBytes, windowBytes, reserveBytes, frameBytesMax, ackBytes } =
  TRANSPORT_LIMITS;

/** A link that takes what it is given, and lets go of it when the test says so. */
class HeldLink implements Link {
  readonly remote = 'held';
  bufferedBytes = 0;
  readonly frames: Uint8Array[] = [];
  onFrame = (): void => undefined;
  onClose = (): void => undefined;
  close = (): void => undefined;

  send(bytes: Uint8Array): void {
    this.bufferedBytes += bytes.length;
    this.frames.push(bytes);
  }
}

const clock = createVirtualClock();
let scheduler: ReturnType<typeof createSteppedScheduler>;
let link: HeldLink;
let stream: Stream;
let broken: [number, string][];
let operations: unknown[][];

beforeEach(() => {
  scheduler = createSteppedScheduler();
  link = new HeldLink();
  broken = [];
  operations = [];
  stream = new Stream(link, clock, scheduler, {
    operation: (operation) => operations.push([...operation]),
    goodbye: () => undefined,
    stalled: () => undefined,
    broken: (...why) => broken.push(why),
    taken: () => undefined,
  });
});

const isData = (frame: Uint8Array): boolean => frame[0] === 1;
const sentOf = (frames: readonly Uint8Array[]): unknown[] =>
  frames.filter(isData).flatMap((frame) => unpack(frame, HEADER_BYTES));
const numberOf = (frame: Uint8Array): number => Buffer.from(frame).readUInt32BE(1);
const dataFrame = (number: number, ...wire: unknown[]): Uint8Array => {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = 1;
  header.writeUInt32BE(number, 1);
  return Buffer.concat([header, pack(wire).subarray(wire.length < 16 ? 1 : 3)]);
};
const taken = (number: number): Uint8Array =>
  Buffer.concat([Buffer.of(2), pack([['taken', number]]).subarray(1)]);

/** Sends operations of 10 kB each, and ends the turn. */
function send(count: number, first = 0): boolean[] {
  const fits = Array.from({ length: count }, (_, index) =>
    stream.send([first + index, 'x'.repeat(10_000)], false),
  );
  scheduler.settle();
  return fits;
}

describe('a link that is behind', () => {
  it('is handed no more than its high water and a frame', () => {
    expect(send(800)).not.toContain(false);
    expect(link.bufferedBytes).toBeGreaterThan(highWaterBytes);
    expect(link.bufferedBytes).toBeLessThan(highWaterBytes + frameBytesMax);
  });

  it('is handed the rest at its low water, in order and in frames that fit', () => {
    send(500);
    const before = link.frames.length;
    link.bufferedBytes = lowWaterBytes + 1;
    stream.tick();
    send(1, 500);
    expect(link.frames).toHaveLength(before);
    while (sentOf(link.frames).length < 501) {
      link.bufferedBytes = lowWaterBytes;
      stream.take(taken(numberOf(link.frames.at(-1)!)));
    }
    const sent = sentOf(link.frames) as [number][];
    expect(sent.map(([number]) => number)).toEqual(Array.from({ length: 501 }, (_, at) => at));
    expect(Math.max(...link.frames.map(({ length }) => length))).toBeLessThanOrEqual(frameBytesMax);
  });

  it('is handed all of it before a farewell', () => {
    send(500);
    stream.flush(true);
    expect(sentOf(link.frames)).toHaveLength(500);
  });

  it('gets no heartbeats and no receipts on top', () => {
    send(500);
    const before = link.frames.length;
    for (let number = 1; number <= 40; number += 1)
      stream.take(dataFrame(number, [0, 'x'.repeat(ackBytes)]));
    clock.setTimeout(() => undefined, 5_000);
    clock.fireNext(clock.now() + 5_000);
    stream.tick();
    expect(operations).toHaveLength(40);
    expect(link.frames).toHaveLength(before);
    // It catches up, and is told then.
    link.bufferedBytes = 0;
    stream.tick();
    expect(link.frames.length).toBeGreaterThan(before);
    expect(stream.waitingBytes).toBeLessThan(windowBytes);
  });
});

describe('the window', () => {
  it('refuses what does not fit, and what must go ends the connection beyond the reserve', () => {
    const fits = send(900);
    const accepted = fits.indexOf(false);
    expect(fits.slice(accepted)).not.toContain(true);
    expect(stream.waitingBytes).toBeLessThanOrEqual(windowBytes);
    expect(stream.waitingBytes).toBeGreaterThan(windowBytes - 20_000);
    for (let count = 0; broken.length === 0; count += 1) {
      stream.send(['must go', 'x'.repeat(10_000)], true);
      expect(stream.waitingBytes).toBeLessThanOrEqual(windowBytes + reserveBytes);
      expect(count).toBeLessThan(2_000);
    }
    expect(broken).toEqual([[4009, 'it takes nothing']]);
  });

  it('counts a small message for what it costs', () => {
    let count = 0;
    while (stream.send([count], false)) {
      count += 1;
      scheduler.settle();
    }
    expect(count).toBeLessThanOrEqual(windowBytes / TRANSPORT_LIMITS.operationBytes);
  });

  it('opens as the other side takes', () => {
    const accepted = send(900).indexOf(false);
    expect(send(1)).toEqual([false]);
    link.bufferedBytes = 0;
    stream.take(taken(numberOf(link.frames.at(-1)!)));
    expect(send(50)).not.toContain(false);
    expect(sentOf(link.frames).length).toBeLessThanOrEqual(accepted + 50);
  });

  it.each([
    ['what was not sent', taken(1)],
    ['less than before', taken(0xffff_ffff)],
  ])('is not opened by a receipt for %s', (_, frame) => {
    expect(() => stream.take(frame)).toThrow('it took what was not sent');
  });
});

describe('frames out of order', () => {
  it.each([
    ['missing', 3],
    ['twice', 1],
    ['from before', 0],
    ['far ahead', 0xffff_ffff],
  ])('%s end the stream before anything of them is read', (_, number) => {
    stream.take(dataFrame(1, ['first']));
    stream.take(dataFrame(number, ['second']));
    expect(operations).toEqual([['first']]);
    expect(broken).toMatchObject([[4002, `frame ${number} came, expected was 2`]]);
  });
});
