/** Effect has no actors of its own kind; a queue and a fiber that handles what comes is one. */
import { Effect, Fiber, Queue } from 'effect';

export type Inbox<T> = Queue.Queue<T>;

const CAPACITY = 4_096;

/** Starts a fiber that handles the messages of a queue for ever. */
export function start<T>(receive: (message: T) => Effect.Effect<unknown>): Inbox<T> {
  const inbox = makeInbox<T>();
  Effect.runFork(handleAll(inbox, receive));
  return inbox;
}

export function makeInbox<T>(): Inbox<T> {
  return Effect.runSync(Queue.bounded<T>(CAPACITY));
}

export function handleAll<T>(
  inbox: Inbox<T>,
  receive: (message: T) => Effect.Effect<unknown>,
): Effect.Effect<never> {
  return Effect.forever(Effect.flatMap(Queue.take(inbox), receive), { disableYield: true });
}

/** Sends from outside. */
export function post<T>(to: Inbox<T>, message: T): void {
  Effect.runFork(Queue.offer(to, message));
}

export function end(fiber: Fiber.Fiber<unknown, unknown>): void {
  Effect.runFork(Fiber.interrupt(fiber));
}
