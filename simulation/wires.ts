/**
 * The wires between the nodes of a cluster: the protocol of the transport as it is, over links whose
 * every frame is an event.
 *
 *     edge>core:ask deposit#1   the next frame on its way arrives
 *     edge>core:close#1         core is told that the link has ended
 *     edge>core:silence#1       core notices that nothing comes from edge any more
 *     edge>core:dial#2          edge dials core again, after a link was lost
 *
 * Frames of one way keep their order; faults lose, double and reorder them, and cut a link, with all
 * that is on its way. There are no heartbeats: what they would show is shown by `silence`, whenever
 * there is something to be noticed, so that a run comes to its end.
 */
import { unpack } from '../transport/codec.ts';
import { drivenNode, type DrivenNode } from '../transport/cluster.ts';
import { LANE } from '../transport/handshake.ts';
import { CLOSE, ignore, type Link, type LinkClose } from '../transport/link.ts';
import { OP } from '../transport/operation.ts';
import type { System } from '../runtime/index.ts';
import { hash } from './digest.ts';
import type { Wiring } from './event.ts';

/** What the wires need of their run. */
interface Ends {
  numbered(label: string): string;
  nextOrder(): number;
  stepNumber(): number;
  /** Whether what is sent between two nodes now is lost. */
  isLost(id: string): boolean;
}

/** A frame, or the end of a link, on its way to one end. */
interface Parcel {
  readonly id: string;
  readonly order: number;
  readonly bornAt: number;
  readonly content: Uint8Array | LinkClose;
}

/** One end of a link. */
class End implements Link {
  readonly remote: string;
  /** The way into this end, such as `edge>core`. */
  readonly way: string;
  /** Of which dialing it came. */
  readonly nth: number;
  readonly bufferedBytes = 0;
  onFrame: (bytes: Uint8Array) => void = ignore;
  onClose: (close: LinkClose) => void = ignore;
  peer!: End;
  isOpen = true;
  /** What is on its way here, the oldest first. */
  inbox: Parcel[] = [];
  /** Something on its way here was lost. */
  hasLost = false;
  /** What has gone out and come in, as one number: what the protocol is in follows from it. */
  trail = 0;
  readonly #put: (to: End, content: Uint8Array | LinkClose) => void;

  constructor(
    from: string,
    to: string,
    nth: number,
    put: (to: End, content: Uint8Array | LinkClose) => void,
  ) {
    this.remote = from;
    this.nth = nth;
    this.way = `${from}>${to}`;
    this.#put = put;
  }

  send(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.note('out', bytes);
    this.#put(this.peer, new Uint8Array(bytes));
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.end({ code, reason });
    this.#put(this.peer, { code, reason });
  }

  end(close: LinkClose): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.onClose(close);
  }

  arrive(content: Uint8Array | LinkClose): void {
    if (!this.isOpen) return;
    if (!(content instanceof Uint8Array)) return this.end(content);
    this.note('in', content);
    this.onFrame(content);
  }

  note(what: string, bytes: Uint8Array): void {
    this.trail = hash(`${this.trail} ${what} ${Buffer.from(bytes).toString('latin1')}`);
  }

  get text(): string {
    const way = this.inbox.map(({ content }) => JSON.stringify(Object.values(content)));
    return `${this.way} ${this.isOpen} ${this.hasLost} ${this.trail} ${hash(way.join())}`;
  }
}

/** One declared link, and what has become of it. */
interface Wire {
  readonly from: string;
  readonly to: string;
  /** How often it was dialed. */
  dials: number;
  /** Both ends of the present link, and of former ones of which an end is not told yet. */
  ends: End[];
}

/** A link that can be cut. */
export interface Cut {
  readonly link: string;
  readonly id: string;
  readonly cut: () => void;
}

const SECRET = 'what the nodes of a simulation know';

export class Wires {
  readonly nodes = new Map<string, DrivenNode>();
  readonly #wires: readonly Wire[];
  readonly #ends: Ends;

  /** The nodes are there, and linked. */
  constructor(links: readonly string[], systems: ReadonlyMap<string, System>, ends: Ends) {
    this.#ends = ends;
    for (const [name, system] of systems) this.nodes.set(name, drivenNode(system, SECRET));
    this.#wires = links.map((link) => {
      const [from = '', to = ''] = link.split('<->');
      return { from, to, dials: 0, ends: [] };
    });
  }

  /** Dials every link, and lets the handshakes go to their end. */
  open(settle: () => void): void {
    for (const wire of this.#wires) this.#dial(wire);
    for (;;) {
      settle();
      const [next] = this.events().sort((a, b) => a.order - b.order);
      if (next === undefined) return;
      next.perform();
    }
  }

  /** What can happen on the wires. */
  events(): Wiring[] {
    const events: Wiring[] = [];
    for (const wire of this.#wires) {
      wire.ends = wire.ends.filter((end) => end.isOpen || end.peer.isOpen);
      for (const end of wire.ends) {
        const [first] = end.inbox;
        if (first !== undefined && end.isOpen) events.push(this.#arrival(end, first));
      }
      const isUp = wire.ends.some((end) => end.isOpen && end.way === `${wire.to}>${wire.from}`);
      if (!isUp)
        events.push(
          wiring(`${wire.from}>${wire.to}:dial#${wire.dials + 1}`, Infinity, -1, () =>
            this.#dial(wire),
          ),
        );
    }
    return events;
  }

  /** What can be noticed of a way on which nothing comes any more. */
  silences(): Wiring[] {
    const silent = this.#wires.flatMap(({ ends }) =>
      ends.filter(
        ({ isOpen, inbox, hasLost, peer }) =>
          isOpen && inbox.length === 0 && (hasLost || !peer.isOpen),
      ),
    );
    return silent.map((end) =>
      wiring(`${end.way}:silence#${end.nth}`, Infinity, -1, () =>
        end.close(CLOSE.silent, 'silent'),
      ),
    );
  }

  /** The links that can be cut now, by the declared name of each. */
  cuts(): Cut[] {
    return this.#wires
      .filter(({ ends }) => ends.some(({ isOpen, peer }) => isOpen && peer.isOpen))
      .map(({ from, to, dials, ends }) => ({
        link: `${from}<->${to}`,
        id: `cut ${from}>${to}:link#${dials}`,
        cut: () => {
          for (const end of ends) {
            if (!end.isOpen) continue;
            end.inbox = [];
            this.#put(end, { code: 1006, reason: 'cut' });
          }
        },
      }));
  }

  /** What is on its way across a partition that loses it. */
  loseCut(): void {
    for (const { ends } of this.#wires)
      for (const end of ends) {
        const kept = end.inbox.filter(({ id }) => !this.#ends.isLost(id));
        if (kept.length < end.inbox.length) end.hasLost = true;
        end.inbox = kept;
      }
  }

  get text(): string {
    return this.#wires.flatMap(({ ends }) => ends.map(({ text }) => text)).join('\n');
  }

  #dial(wire: Wire): void {
    const { from, to } = wire;
    const put = (end: End, content: Uint8Array | LinkClose): void => this.#put(end, content);
    wire.dials += 1;
    const here = new End(to, from, wire.dials, put);
    const there = new End(from, to, wire.dials, put);
    here.peer = there;
    there.peer = here;
    wire.ends.push(here, there);
    this.nodes.get(to)?.meet(there, false);
    this.nodes.get(from)?.meet(here, true);
  }

  #put(end: End, content: Uint8Array | LinkClose): void {
    const label = content instanceof Uint8Array ? labelOf(content) : 'close';
    const id = this.#ends.numbered(`${end.way}:${label}`);
    if (this.#ends.isLost(id)) end.hasLost = true;
    else
      end.inbox.push({
        id,
        order: this.#ends.nextOrder(),
        bornAt: this.#ends.stepNumber(),
        content,
      });
  }

  #arrival(end: End, parcel: Parcel): Wiring {
    const { id, order, bornAt, content } = parcel;
    const take = (): void => void (end.inbox = end.inbox.filter((each) => each !== parcel));
    const isFrame = content instanceof Uint8Array;
    const second = end.inbox[1];
    return {
      ...wiring(id, order, bornAt, () => {
        take();
        end.arrive(content);
      }),
      ...(isFrame && {
        spoil: {
          drop: () => {
            take();
            end.hasLost = true;
          },
          duplicate: () => {
            take();
            end.arrive(content);
            end.arrive(content);
          },
          ...(second?.content instanceof Uint8Array && {
            reorder: () => {
              end.inbox = end.inbox.filter((each) => each !== second);
              end.arrive(second.content);
            },
          }),
        },
      }),
    };
  }
}

function wiring(id: string, order: number, bornAt: number, perform: () => void): Wiring {
  const key = id.slice(0, id.lastIndexOf('#'));
  return { kind: 'wire', id, key, cell: undefined, order, bornAt, perform };
}

const NAMES = new Map<unknown, string>(Object.entries(OP).map(([name, code]) => [code, name]));

/** What a frame holds, in a word or two each: `ask deposit`. */
function labelOf(bytes: Uint8Array): string {
  const lane = bytes[0];
  if (lane === LANE.part) return 'part';
  const operations = unpack(bytes, lane === LANE.data ? 9 : 1) as unknown[][];
  return operations
    .map(([kind, , , , message]) => {
      const name = NAMES.get(kind) ?? String(kind);
      if (kind !== OP.send && kind !== OP.ask) return name;
      return `${name} ${String((message as { readonly type?: unknown }).type)}`;
    })
    .join(' + ');
}
