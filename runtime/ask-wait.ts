/**
 * The wait for the answer of an ask, and the asker that gets it: one object, since an ask is made of
 * few. It belongs to the life that asked, if one did: the ask is cancelled with it.
 */
import type { Ask, Asker } from './ask.ts';
import type { Life } from './life.ts';
import { Wait } from './wait.ts';

export class AskWait extends Wait<never> implements Asker {
  readonly #life: Life | undefined;
  #ask: Ask | undefined;
  #stopListening: (() => void) | undefined;

  constructor(life: Life | undefined) {
    super();
    this.#life = life;
  }

  override get asks(): readonly Ask[] | undefined {
    return this.#ask && [this.#ask];
  }

  override get ask(): Ask | undefined {
    return this.#ask;
  }

  get address(): string | undefined {
    return this.#life?.address;
  }

  /** The request has been made: it is cancelled with its life, and by its signal. */
  await(ask: Ask, signal: AbortSignal | undefined): this {
    if (ask.state !== 'open') return this;
    this.#ask = ask;
    this.#life?.addAsk(ask);
    if (signal !== undefined) this.#listen(ask, signal);
    return this;
  }

  answered(reply: unknown): void {
    this.#end();
    this.settle(reply as never);
  }

  failed(error: unknown): void {
    this.#end();
    this.fail(error);
  }

  #listen(ask: Ask, signal: AbortSignal): void {
    const abort = (): void => {
      ask.cancel();
      this.failed(signal.reason);
    };
    this.#stopListening = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  }

  #end(): void {
    this.#stopListening?.();
    if (this.#ask !== undefined) this.#life?.removeAsk(this.#ask);
  }
}
