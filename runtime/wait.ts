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
  /** One mostly, and then it is no list. */
  #listener: (() => void) | (() => void)[] | undefined;
  /** @internal The requests whose answers it waits for, all of them; undefined when it waits for something else. */
  get asks(): readonly Ask[] | undefined {
    return undefined;
  }

  /** @internal The only request that it waits for, if it is one: `asks` makes a list of it. */
  get ask(): Ask | undefined {
    return undefined;
  }

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
    else if (typeof this.#listener === 'function') this.#listener = [this.#listener, listener];
    else this.#listener.push(listener);
  }

  /** @internal The value; throws the error of a failed wait. */
  get value(): T {
    if (this.#state === 'failed') throw this.#value;
    return this.#value as T;
  }

  /** @internal Passes on what it has settled with. */
  pass(ok: (value: T) => void, failed: (error: unknown) => void): void {
    if (this.#state === 'failed') failed(this.#value);
    else ok(this.#value as T);
  }

  /**
   * For `yield*`: hands the wait to the cell and returns the value with which it is resumed. It is its
   * own iterator, since a generator for each would be a tenth of what an ask costs.
   */
  [Symbol.iterator](): Iterator<Wait<unknown>, T, unknown> {
    return this;
  }

  /** @internal */
  next(): IteratorResult<Wait<unknown>, T> {
    if (this.#state === 'open') return { done: false, value: this };
    return { done: true, value: this.value };
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a wait is awaited in async handlers
  then<A = T, B = never>(
    onOk?: ((value: T) => A | PromiseLike<A>) | null,
    onFailed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const promise = new Promise<T>((resolve, reject) => {
      this.whenSettled(() => this.pass(resolve, reject));
    });
    return promise.then(onOk, onFailed);
  }

  #end(state: 'ok' | 'failed', value: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#value = value;
    const listener = this.#listener;
    this.#listener = undefined;
    if (typeof listener === 'function') listener();
    else for (const each of listener ?? []) each();
  }
}

/** A wait for several others. */
class WaitForAll<T> extends Wait<T> {
  readonly #waits: readonly Wait<unknown>[];

  constructor(waits: readonly Wait<unknown>[]) {
    super();
    this.#waits = waits;
  }

  override get asks(): readonly Ask[] | undefined {
    const asks = this.#waits.flatMap((wait) => wait.asks ?? []);
    return asks.length === 0 ? undefined : asks;
  }
}

/** Waits for all; fails with the first failure. */
export function waitAll<T extends readonly Wait<unknown>[] | []>(
  waits: T,
): Wait<{ -readonly [K in keyof T]: T[K] extends Wait<infer V> ? V : never }> {
  type Values = { -readonly [K in keyof T]: T[K] extends Wait<infer V> ? V : never };
  const all = new WaitForAll<Values>(waits);
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
  for (const wait of waits) wait.whenSettled(() => check(wait));
  return all;
}

/** Waits for the first of several to settle, well or not; gives its index, and never fails. */
export function waitAny(waits: readonly Wait<unknown>[]): Wait<number> {
  const any = new Wait<number>();
  const settled = waits.findIndex((wait) => wait.settled);
  if (settled !== -1) any.settle(settled);
  else waits.forEach((wait, index) => wait.whenSettled(() => any.settle(index)));
  return any;
}
