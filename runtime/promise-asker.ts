/**
 * The asker that a promise stands for: of code outside agents, or of a step that wants a promise.
 */
import type { Ask, Asker } from './ask.ts';
import type { Life } from './life.ts';

export class PromiseAsker implements Asker {
  readonly address: string | undefined;
  readonly #life: Life | undefined;
  readonly #resolve: (reply: never) => void;
  readonly #reject: (error: unknown) => void;
  #ask: Ask | undefined;
  #stopListening: (() => void) | undefined;

  constructor(
    life: Life | undefined,
    resolve: (reply: never) => void,
    reject: (error: unknown) => void,
  ) {
    this.address = life?.address;
    this.#life = life;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** The request has been made: it is cancelled with its life, and by its signal. */
  await(ask: Ask, signal: AbortSignal | undefined): void {
    if (ask.state !== 'open') return;
    this.#ask = ask;
    this.#life?.addAsk(ask);
    if (signal === undefined) return;
    const abort = (): void => {
      ask.cancel();
      this.failed(signal.reason);
    };
    this.#stopListening = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  }

  answered(reply: unknown): void {
    this.#end();
    this.#resolve(reply as never);
  }

  failed(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.#stopListening?.();
    if (this.#ask !== undefined) this.#life?.removeAsk(this.#ask);
  }
}
