/** A ring-buffer mailbox and a run queue that calls a function: nothing else, for the floor. */

class Ring<T> {
  #slots: (T | undefined)[] = Array<T | undefined>(16).fill(undefined);
  #mask = 15;
  #head = 0;
  length = 0;

  push(item: T): void {
    if (this.length > this.#mask) this.#grow();
    this.#slots[(this.#head + this.length) & this.#mask] = item;
    this.length += 1;
  }

  shift(): T {
    const item = this.#slots[this.#head] as T;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.length -= 1;
    return item;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = Array<T | undefined>(old.length * 2).fill(undefined);
    for (let i = 0; i < this.length; i += 1) slots[i] = old[(this.#head + i) & this.#mask];
    this.#slots = slots;
    this.#mask = slots.length - 1;
    this.#head = 0;
  }
}

const TURN = 64;
const runQueue = new Ring<Cell<never>>();
let draining = false;

function drain(): void {
  while (runQueue.length > 0) runQueue.shift().run();
  draining = false;
}

/** Something with a mailbox. */
export class Cell<T> {
  readonly #mailbox = new Ring<T>();
  readonly #receive: (message: T) => void;
  #queued = false;

  constructor(receive: (message: T) => void) {
    this.#receive = receive;
  }

  send(message: T): void {
    this.#mailbox.push(message);
    if (!this.#queued) this.#enqueue();
  }

  run(): void {
    for (let i = 0; i < TURN && this.#mailbox.length > 0; i += 1) {
      this.#receive(this.#mailbox.shift());
    }
    this.#queued = false;
    if (this.#mailbox.length > 0) this.#enqueue();
  }

  #enqueue(): void {
    this.#queued = true;
    runQueue.push(this as unknown as Cell<never>);
    if (draining) return;
    draining = true;
    queueMicrotask(drain);
  }
}
