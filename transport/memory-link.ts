/**
 * Links within one process, on a clock, with everything under control that can go wrong: delay,
 * loss, duplication, reordering, silence and cuts.
 */
import { InvalidOption, type Clock } from '../runtime/index.ts';
import { LinkFailed } from './errors.ts';
import { ignore, type Link, type LinkClose, type Links, type Listener } from './link.ts';

/** What happens to frames on their way; each field can be changed at any time. */
export interface Conditions {
  /** Milliseconds on the way. */
  delayMs?: number;
  /** Whether a frame is lost. */
  loses?: (bytes: Uint8Array) => boolean;
  /** Whether a frame arrives twice. */
  doubles?: (bytes: Uint8Array) => boolean;
  /** Milliseconds by which a frame is late, so that later ones overtake it. */
  late?: (bytes: Uint8Array) => number;
}

/** One end of a link. */
class MemoryLink implements Link {
  readonly remote: string;
  readonly #clock: Clock;
  readonly #conditions: () => Conditions;
  peer: MemoryLink | undefined;
  bufferedBytes = 0;
  onFrame: (bytes: Uint8Array) => void = ignore;
  onClose: (close: LinkClose) => void = ignore;
  #open = true;

  constructor(remote: string, clock: Clock, conditions: () => Conditions) {
    this.remote = remote;
    this.#clock = clock;
    this.#conditions = conditions;
  }

  send(bytes: Uint8Array): void {
    if (!this.#open) return;
    const { delayMs = 0, loses, doubles, late } = this.#conditions();
    if (loses?.(bytes) === true) return;
    // A copy, as on a wire: what the sender does with its bytes afterwards is its own affair.
    const copy = new Uint8Array(bytes);
    const wayMs = delayMs + (late?.(bytes) ?? 0);
    for (let copies = doubles?.(bytes) === true ? 2 : 1; copies > 0; copies -= 1) {
      this.bufferedBytes += copy.length;
      this.#clock.setTimeout(() => {
        this.bufferedBytes -= copy.length;
        this.peer?.arrive(copy);
      }, wayMs);
    }
  }

  arrive(bytes: Uint8Array): void {
    if (this.#open) this.onFrame(bytes);
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.end({ code, reason });
    const { delayMs = 0, loses } = this.#conditions();
    // Behind the frames; a way that loses everything loses this too.
    if (loses?.(new Uint8Array()) === true) return;
    this.#clock.setTimeout(() => this.peer?.end({ code, reason }), delayMs);
  }

  end(close: LinkClose): void {
    if (!this.#open) return;
    this.#open = false;
    this.onClose(close);
  }
}

/** Makes a link and gives both of its ends. */
export function memoryLink(
  clock: Clock,
  names: readonly [string, string] = ['a', 'b'],
  conditions: (from: string, to: string) => Conditions = () => ({}),
): readonly [Link, Link] {
  const [a, b] = names;
  const one = new MemoryLink(b, clock, () => conditions(a, b));
  const other = new MemoryLink(a, clock, () => conditions(b, a));
  one.peer = other;
  other.peer = one;
  return [one, other];
}

/** The links between the nodes of one process: each node's are those of its name. */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #listening = new Map<string, (link: Link) => void>();
  readonly #conditions = new Map<string, Conditions>();
  readonly #links = new Set<readonly [string, string, Link, Link]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What happens on the way from one node to another. */
  way(from: string, to: string): Conditions {
    const key = `${from}>${to}`;
    let conditions = this.#conditions.get(key);
    if (conditions === undefined) this.#conditions.set(key, (conditions = {}));
    return conditions;
  }

  /** Cuts the ways between two nodes: whatever is sent there vanishes, and nobody is told. */
  cut(a: string, b: string): void {
    for (const way of [this.way(a, b), this.way(b, a)]) way.loses = () => true;
  }

  heal(a: string, b: string): void {
    for (const way of [this.way(a, b), this.way(b, a)]) delete way.loses;
  }

  /** Ends the links between two nodes, as the end of a process does: both ends are told at once. */
  sever(a: string, b: string): void {
    for (const entry of this.#links) {
      if (!(entry[0] === a && entry[1] === b) && !(entry[0] === b && entry[1] === a)) continue;
      this.#links.delete(entry);
      for (const end of entry.slice(2) as MemoryLink[]) end.end({ code: 1006, reason: 'severed' });
    }
  }

  /** The links of a node, for `joinCluster`; its address is `memory:name`. */
  links(name: string): Links {
    const address = `memory:${name}`;
    return {
      listen: async (accept): Promise<Listener> => {
        if (this.#listening.has(address))
          throw new InvalidOption({ field: 'listen', given: address, allowed: 'a free address' });
        this.#listening.set(address, accept);
        return { address, close: async () => void this.#listening.delete(address) };
      },
      dial: async (seed): Promise<Link> => {
        const accept = this.#listening.get(seed);
        const to = seed.slice('memory:'.length);
        const isCut = this.way(name, to).loses?.(new Uint8Array()) === true;
        if (accept === undefined || isCut)
          throw new LinkFailed({ address: seed, why: 'nobody is there' });
        const [here, there] = memoryLink(this.#clock, [name, to], (from, at) => this.way(from, at));
        this.#links.add([name, to, here, there]);
        accept(there);
        return here;
      },
    };
  }
}
