// Messages that no frame holds: they go in parts, in order with the others, and control frames go
// between. Whoever lies about the parts loses its link, and costs no memory before.

import { createSteppedScheduler, createVirtualClock } from 'troupe';
import { CLOSE, TRANSPORT_LIMITS, type Link } from 'troupe/transport';
import { beforeEach, describe, expect, it } from 'vitest';
import { pack } from '../../transport/codec.ts';
import { Stream } from '../../transport/stream.ts';
import { Stage, echo, outcome, type EchoEvent } from './cast.ts';
import type { Ref } from 'troupe';

const DATA = 1;
const CONTROL = 2;
const PART = 3;

/** A stream over a link that keeps what is sent. */
class End {
  readonly frames: Uint8Array[] = [];
  readonly operations: (readonly unknown[])[] = [];
  readonly broken: number[] = [];
  readonly clock = createVirtualClock();
  readonly scheduler = createSteppedScheduler();
  readonly stream: Stream;

  constructor() {
    const { frames } = this;
    const link = {
      send: (bytes: Uint8Array) => void frames.push(bytes),
      get bufferedBytes() {
        return frames.reduce((sum, { length }) => sum + length, 0);
      },
    } as Link;
    this.stream = new Stream(link, this.clock, this.scheduler, {
      operation: (operation) => void this.operations.push(operation),
      goodbye: () => undefined,
      stalled: () => undefined,
      broken: (code) => void this.broken.push(code),
      taken: () => undefined,
    });
  }

  get lanes(): (number | undefined)[] {
    return this.frames.map((frame) => frame[0]);
  }
}

/** Gives both what the other has sent, until nothing is on its way. */
function exchange(one: End, other: End): void {
  while (one.frames.length + other.frames.length > 0) {
    for (const frame of one.frames.splice(0)) other.stream.take(frame);
    for (const frame of other.frames.splice(0)) one.stream.take(frame);
    one.scheduler.settle();
    other.scheduler.settle();
  }
}

function partOf(number: number, totalBytes: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(13 + bytes.length);
  frame[0] = PART;
  const view = new DataView(frame.buffer);
  view.setUint32(1, number);
  view.setUint32(9, totalBytes);
  frame.set(bytes, 13);
  return frame;
}

let here: End;
let there: End;
beforeEach(() => {
  here = new End();
  there = new End();
});

describe('a message that no frame holds', () => {
  const big = 'x'.repeat(TRANSPORT_LIMITS.messageBytesMax - 100);

  it('arrives whole, in its place among the others', () => {
    here.stream.send([0, 'before'], false);
    here.stream.send([0, big], false);
    here.stream.send([0, 'after'], false);
    here.scheduler.settle();
    exchange(here, there);
    expect(there.operations.map(([, text]) => (text as string).length)).toEqual([
      'before'.length,
      big.length,
      'after'.length,
    ]);
    expect(there.broken).toEqual([]);
  });

  it('leaves room for control frames: no more than highWaterBytes are before them', () => {
    here.stream.send([0, big], false);
    here.scheduler.settle();
    const sent = here.frames.reduce((sum, { length }) => sum + length, 0);
    expect(sent).toBeLessThan(TRANSPORT_LIMITS.highWaterBytes + 2 * TRANSPORT_LIMITS.batchBytes);
    here.stream.control('ping', here.frames.length, 0);
    expect(here.lanes.at(-1)).toBe(CONTROL);
    exchange(here, there);
    expect(there.broken).toEqual([]);
    expect(there.operations).toEqual([[0, big]]);
  });

  it('is refused beyond messageBytesMax, with its size', () => {
    expect(() => here.stream.send([0, `${big}${'x'.repeat(200)}`], false)).toThrow(
      /4194\d+ bytes; 4194304 fit into a message/,
    );
  });

  it('crosses a cluster and comes back', async () => {
    const stage = new Stage();
    const { system } = await stage.join('there');
    system.spawn(echo(), { id: 'echo' });
    const { node } = await stage.join('here', { seeds: ['memory:there'] });
    await stage.advance(10);
    const value = 'y'.repeat(3_000_000);
    const far = node.ref('there/echo') as Ref<EchoEvent>;
    const asked = outcome(far.ask({ type: 'echo', value }));
    await stage.advance(10);
    expect(asked.value).toEqual({ type: 'echoed', value });
    await stage.stop();
  });
});

describe('a peer that lies about parts', () => {
  const piece = new Uint8Array(1_000);

  it('is told at the first part of a message beyond messageBytesMax', () => {
    const { messageBytesMax } = TRANSPORT_LIMITS;
    expect(() => there.stream.take(partOf(1, messageBytesMax + 1, piece))).toThrow(
      'a message of 4194305 bytes; 4194304 are the most',
    );
    expect(() => new End().stream.take(partOf(1, 0xffff_ffff, piece))).toThrow('are the most');
  });

  it('cannot go on without end', () => {
    const takeAll = (): void => {
      for (let number = 1; ; number += 1) there.stream.take(partOf(number, 10_500, piece));
    };
    expect(takeAll).toThrow('more than the 10500 bytes of its message');
    expect(there.operations).toEqual([]);
  });

  it.each([
    ['another length', [partOf(1, 5_000, piece), partOf(2, 5_001, piece)], 'breaks off'],
    ['nothing', [partOf(1, 5_000, new Uint8Array())], 'an empty part'],
    ['a header too short', [partOf(1, 5_000, piece).subarray(0, 7)], 'an empty part'],
    ['less than was said', [partOf(1, 5_000, piece), dataOf(2)], 'breaks off'],
    ['what is no message', [partOf(1, 1_000, new Uint8Array(1_000).fill(0xc1))], 'type 0xc1'],
  ])('sends %s', (_, frames, why) => {
    expect(() => {
      for (const frame of frames) there.stream.take(frame);
    }).toThrow(why);
    expect(there.operations).toEqual([]);
  });

  it('leaves a part out', () => {
    there.stream.take(partOf(1, 5_000, piece));
    there.stream.take(partOf(3, 5_000, piece));
    expect(there.broken).toEqual([CLOSE.outOfOrder]);
  });

  it('makes no room by its word alone', () => {
    const before = process.memoryUsage().arrayBuffers;
    const ends = Array.from({ length: 200 }, () => new End());
    for (const end of ends) end.stream.take(partOf(1, TRANSPORT_LIMITS.messageBytesMax, piece));
    // 200 links could be made to hold 800 MB, were they believed.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    expect(ends).toHaveLength(200);
  });
});

it('a lost frame is missed by the next ping, though no other frame comes', () => {
  here.stream.send([0, 'lost'], false);
  here.scheduler.settle();
  here.frames.length = 0;
  here.clock.setTimeout(() => undefined, TRANSPORT_LIMITS.pingMs);
  here.clock.fireNext(Infinity);
  here.stream.tick();
  exchange(here, there);
  expect(there.broken).toEqual([CLOSE.outOfOrder]);
});

function dataOf(number: number): Uint8Array {
  const operation = pack([[0, 'small']]);
  const frame = new Uint8Array(9 + operation.length);
  frame[0] = DATA;
  new DataView(frame.buffer).setUint32(1, number);
  frame.set(operation, 9);
  return frame;
}
