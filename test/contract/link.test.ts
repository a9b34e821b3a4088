// What every link promises, whatever carries its frames.

import { createClock } from 'troupe';
import {
  MemoryNetwork,
  ThreadHub,
  threadLinks,
  wsLinks,
  type Link,
  type LinkClose,
  type Links,
} from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** The ways to make links, of the one that listens and the one that dials. */
const kinds: Record<string, () => { readonly listening: Links; readonly dialing: Links }> = {
  memory: () => {
    const network = new MemoryNetwork(createClock());
    return { listening: network.links('a'), dialing: network.links('b') };
  },
  ws: () => ({ listening: wsLinks(), dialing: wsLinks() }),
  threads: () => {
    const hub = new ThreadHub();
    return { listening: threadLinks('a', hub.port()), dialing: threadLinks('b', hub.port()) };
  },
};

/** One end, with all that it was told. */
class End {
  readonly link: Link;
  readonly frames: string[] = [];
  readonly closes: LinkClose[] = [];
  #told: () => void = () => undefined;

  constructor(link: Link) {
    this.link = link;
    link.onFrame = (bytes) => {
      this.frames.push(Buffer.from(bytes).toString());
      this.#told();
    };
    link.onClose = (close) => {
      this.closes.push(close);
      this.#told();
    };
  }

  async until(met: () => boolean): Promise<void> {
    while (!met()) await new Promise<void>((resolve) => (this.#told = resolve));
  }

  send(text: string): void {
    this.link.send(Buffer.from(text));
  }
}

describe.each(Object.keys(kinds))('a link: %s', (kind) => {
  let here: End;
  let there: End;
  let close: () => Promise<void>;

  beforeEach(async () => {
    const { listening, dialing } = kinds[kind]!();
    let accept: (end: End) => void = () => undefined;
    const accepted = new Promise<End>((resolve) => (accept = resolve));
    const listener = await listening.listen((link) => accept(new End(link)));
    here = new End(await dialing.dial(listener.address));
    there = await accepted;
    close = () => listener.close();
  });
  afterEach(async () => {
    here.link.close(4000, 'the test is over');
    there.link.close(4000, 'the test is over');
    await close();
  });

  it('carries frames in order, both ways, whole', async () => {
    const sent = Array.from({ length: 100 }, (_, index) => `${index}`.repeat(index + 1));
    for (const text of sent) here.send(text);
    there.send('back');
    await there.until(() => there.frames.length === sent.length);
    await here.until(() => here.frames.length === 1);
    expect(there.frames).toEqual(sent);
    expect(here.frames).toEqual(['back']);
  });

  it('does not let a frame change after it was sent', async () => {
    const bytes = Buffer.from('before');
    here.link.send(bytes);
    bytes.write('after!');
    await there.until(() => there.frames.length === 1);
    expect(there.frames).toEqual(['before']);
  });

  it('tells its end once, on both sides, with code and reason, behind the frames', async () => {
    here.send('last');
    here.link.close(4002, 'out of order');
    expect(here.closes).toEqual([{ code: 4002, reason: 'out of order' }]);
    await there.until(() => there.closes.length === 1);
    expect(there.frames).toEqual(['last']);
    expect(there.closes).toEqual([{ code: 4002, reason: 'out of order' }]);
    here.link.close(4003, 'again');
    there.link.close(4003, 'again');
    expect([...here.closes, ...there.closes]).toHaveLength(2);
  });

  it('loses what is sent into its end, and hears nothing after it', async () => {
    there.send('too late to be read');
    here.link.close(4000, 'over');
    here.send('nowhere');
    await there.until(() => there.closes.length === 1);
    there.send('nowhere');
    expect(here.frames).toEqual([]);
    expect(there.frames).toEqual([]);
  });

  it('has nothing buffered once all has arrived', async () => {
    for (let index = 0; index < 10; index += 1) here.send('x'.repeat(1_000));
    await there.until(() => there.frames.length === 10);
    expect(here.link.bufferedBytes).toBe(0);
  });

  it('cannot be made where nobody listens', async () => {
    const { listening, dialing } = kinds[kind]!();
    const listener = await listening.listen(() => undefined);
    await listener.close();
    await expect(dialing.dial(listener.address)).rejects.toMatchObject({ code: 'LINK_FAILED' });
  });
});
