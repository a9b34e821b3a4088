/**
 * Who has called and not proved itself yet. There is room for so many; one more takes the place of
 * the oldest of the host that has most, so that a host cannot keep others out by calling often.
 */
import { TRANSPORT_LIMITS } from './limits.ts';

export class Callers<TCaller> {
  /** By host, oldest first. */
  readonly #byHost = new Map<string, Set<TCaller>>();
  readonly #evict: (caller: TCaller) => void;
  #count = 0;

  /** `evict` turns away a caller that has lost its place. */
  constructor(evict: (caller: TCaller) => void) {
    this.#evict = evict;
  }

  /** Takes a caller from `host:port` in; returns what ends its stay. */
  enter(remote: string, caller: TCaller): () => void {
    const host = remote.replace(/:\d+$/, '');
    let own = this.#byHost.get(host);
    if (own === undefined) this.#byHost.set(host, (own = new Set()));
    own.add(caller);
    this.#count += 1;
    const leave = (): void => this.#leave(host, caller);
    if (this.#count > TRANSPORT_LIMITS.handshakesMax) this.#evictOne();
    return leave;
  }

  #leave(host: string, caller: TCaller): void {
    const own = this.#byHost.get(host);
    if (own?.delete(caller) !== true) return;
    this.#count -= 1;
    if (own.size === 0) this.#byHost.delete(host);
  }

  #evictOne(): void {
    let most: readonly [string, Set<TCaller>] | undefined;
    for (const entry of this.#byHost)
      if (most === undefined || entry[1].size > most[1].size) most = entry;
    if (most === undefined) return;
    const [host, own] = most;
    const [oldest] = own;
    this.#leave(host, oldest as TCaller);
    this.#evict(oldest as TCaller);
  }
}
