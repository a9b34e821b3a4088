/**
 * The voices that each agent hears, in all runs of an exploration: links, and its own timers. What
 * comes to an agent that hears only one races with nothing (conflict analysis, as in Morpheus,
 * ASPLOS 2020). The relays of a message are such agents.
 */
import type { SimEvent } from '../event.ts';

export class Voices {
  /** By the path of an agent: the keys of the events that could have been its next. */
  readonly #heard = new Map<string, Set<string>>();

  /** These can happen next: each is a voice, whether it is heard in this run or not. */
  hear(enabled: readonly SimEvent[]): void {
    for (const event of enabled) {
      const path = placeOf(event);
      if (path === undefined) continue;
      const heard = this.#heard.get(path);
      if (heard === undefined) this.#heard.set(path, new Set([event.key]));
      else heard.add(event.key);
    }
  }

  /** Whether nothing is known that an event races with. */
  isAlone(event: SimEvent): boolean {
    const path = placeOf(event);
    return path !== undefined && (this.#heard.get(path)?.size ?? 0) < 2;
  }
}

/** At whose place an event happens: that of a timer is named by its key. */
export function placeOf({ cell, kind, key }: SimEvent): string | undefined {
  return kind === 'timer' ? `/${key.slice('timer '.length)}` : cell?.path;
}
