/**
 * What a handler waits for: `yield* wait` in a generator handler, `await wait` in an async one.
 *
 * A generator yields the wait itself to its cell, which resumes it synchronously, as a step, once
 * the wait has settled; so a simulator can step, crash and replay inside the handler.
 */

import type { Ask } from './ask.ts';

/** A value that comes later; settles once. */
export class Wait<T> implements PromiseLike<T> {
  #state: 'open' | 'ok' | 'failed' = 'open';
  #value: unknown;
  #listener: (() => void) | undefined;
  /** @internal The requests whose answers it waits for; undefined when it waits for something else. */
  asks: readonly Ask[] | undefined;

  get settled(): boolean {
    return this.#state !== 'open';
  }

  /** @internal */
  settle(value: T): void {
    this.#end('ok', value);
  }

  /** @internal */
  fail(error: unknown): void {
    this.#end('failed', error);
  }

  /** @internal Calls back once, at once when already settled. */
  whenSettled(listener: () => void): void {
    if (this.#state !== 'open') listener();
    else if (this.#listener === undefined) this.#listener = listener;
    else {
      const earlier = this.#listener;
      this.#listener = () => {
        earlier();
        listener();
      };
    }
  }

  /** @internal The value; throws the error of a failed wait. */
  get value(): T {
    if (this.#state === 'failed') throw this.#value;
    return this.#value as T;
  }

  /** For `yield*`: hands the wait to the cell and returns the value with which it is resumed. */
  *[Symbol.iterator](): Generator<Wait<unknown>, T, unknown> {
    if (this.#state === 'open') yield this;
    return this.value;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a wait is awaited in async handlers
  then<A = T, B = never>(
    onOk?: ((value: T) => A | PromiseLike<A>) | null,
    onFailed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const promise = new Promise<T>((resolve, reject) => {
      this.whenSettled(() => {
        if (this.#state === 'failed') reject(this.#value as Error);
        else resolve(this.#value as T);
      });
    });
    return promise.then(onOk, onFailed);
  }

  #end(state: 'ok' | 'failed', value: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#value = value;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.();
  }
}

/** Waits for all; fails with the first failure. */
export function waitAll<T extends readonly Wait<unknown>[] | []>(
  waits: T,
): Wait<{ -readonly [K in keyof T]: T[K] extends Wait<infer V> ? V : never }> {
  type Values = { -readonly [K in keyof T]: T[K] extends Wait<infer V> ? V : never };
  const all = new Wait<Values>();
  let open = waits.length;
  const check = (wait: Wait<unknown>): void => {
    try {
      void wait.value;
    } catch (error) {
      all.fail(error);
      return;
    }
    open -= 1;
    if (open === 0) all.settle(waits.map((each) => each.value) as Values);
  };
  if (open === 0) all.settle([] as unknown as Values);
  const asks = waits.flatMap((wait) => wait.asks ?? []);
  if (asks.length > 0) all.asks = asks;
  for (const wait of waits) wait.whenSettled(() => check(wait));
  return all;
}
