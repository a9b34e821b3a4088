/**
 * The recorder: what came into a running system from outside, so that an alarm can be tried again in
 * a simulation. It keeps what code outside agents has sent and asked, and what has come of the effects
 * of agents: references, not copies, and the newest alone.
 */
import { Ask } from './ask.ts';
import type { Core } from './core.ts';
import type { Effect, EffectSink } from './effects.ts';
import type { Envelope } from './envelope.ts';

/** A message from code outside agents of this node. */
export interface RecordedMessage {
  readonly kind: 'send' | 'ask';
  /** The path of whom it was for. */
  readonly to: string;
  /** What was sent; of a request all but its `replyTo`. */
  readonly message: unknown;
  readonly atMs: number;
}

/** An effect of an agent. */
export interface RecordedEffect {
  /** The path of the agent that began it. */
  readonly agent: string;
  /** Its key, or its `src` in `setup({ actors })`. */
  readonly key: string;
  readonly input: unknown;
  /** What it has emitted, of a callback or an observable. */
  readonly emitted: readonly unknown[];
  /** `open` when nothing has come of it yet. */
  readonly outcome: 'done' | 'failed' | 'open';
  /** What it gave, or the error. */
  readonly value: unknown;
  readonly atMs: number;
}

/** What a recorder has kept, oldest first, as the `redact` hook of the system lets it be seen. */
export interface Recording {
  /** The ids of the agents without a parent. */
  readonly roots: readonly string[];
  readonly messages: readonly RecordedMessage[];
  readonly effects: readonly RecordedEffect[];
  /** How many older entries are not kept any more. */
  readonly lost: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Entry = RecordedMessage | RecordedEffect;

export class Recorder {
  readonly #core: Core;
  readonly #max: number;
  #entries: Entry[] = [];
  #lost = 0;

  constructor(core: Core, max: number) {
    this.#core = core;
    this.#max = max;
  }

  /** A message of code outside agents is on its way. */
  entered({ to, message, ask }: Envelope): void {
    // An answer that is given from outside belongs to an agent's request.
    const path = to instanceof Ask ? undefined : this.#core.pathOf(to.address);
    if (path === undefined) return;
    const kind = ask === undefined ? 'send' : 'ask';
    this.#keep({ kind, to: path, message, atMs: this.#core.stampMs() });
  }

  /** An agent begins an effect; what comes of it is to be told. */
  begun({ key, place, input, agent }: Effect): EffectSink {
    // An agent that is nothing but a promise goes by its own name.
    const name = key ?? (place === undefined ? agent.slice(1) : undefined);
    const emitted: unknown[] = [];
    const atMs = this.#core.stampMs();
    const effect: Mutable<RecordedEffect> = {
      agent,
      key: name ?? '',
      input,
      emitted,
      outcome: 'open',
      value: undefined,
      atMs,
    };
    // One that has no name cannot be simulated.
    if (name !== undefined) this.#keep(effect);
    return {
      done: (value) => void Object.assign(effect, { outcome: 'done', value }),
      failed: (value) => void Object.assign(effect, { outcome: 'failed', value }),
      next: (value) => void (emitted.length < this.#max && emitted.push(value)),
    };
  }

  #keep(entry: Entry): void {
    this.#entries.push(entry);
    // A shift for each would move all of them each time.
    if (this.#entries.length < this.#max * 2) return;
    this.#lost += this.#max;
    this.#entries = this.#entries.slice(this.#max);
  }

  recording(): Recording {
    const over = Math.max(0, this.#entries.length - this.#max);
    const messages: RecordedMessage[] = [];
    const effects: RecordedEffect[] = [];
    for (const entry of this.#entries.slice(over))
      if ('kind' in entry) messages.push(this.#shownMessage(entry));
      else effects.push(this.#shownEffect(entry));
    const roots = [...this.#core.roots.values()].map(({ id }) => id);
    return { roots, messages, effects, lost: this.#lost + over };
  }

  #shownMessage(entry: RecordedMessage): RecordedMessage {
    const { replyTo: _, ...request } = entry.message as { readonly replyTo?: unknown };
    const given = entry.kind === 'ask' ? request : entry.message;
    const { message } = this.#shown('recorded message', entry.to, { message: given });
    return { ...entry, message };
  }

  #shownEffect(entry: RecordedEffect): RecordedEffect {
    const { input, emitted, value } = entry;
    const shown = this.#shown('recorded effect', entry.agent, { input, emitted, value });
    const kept = Array.isArray(shown['emitted']) ? (shown['emitted'] as unknown[]) : [];
    return { ...entry, input: shown['input'], emitted: kept, value: shown['value'] };
  }

  #shown(label: string, path: string, fields: Readonly<Record<string, unknown>>) {
    return this.#core.redaction.report({ level: 'info', label, path, fields }).fields;
  }
}
