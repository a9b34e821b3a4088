/** comedy: actors in memory, in one process; what a send gives back is a promise of Bluebird's. */
import { createSystem, type Actor, type ActorRef } from 'comedy';

export type { ActorRef };

export function openRoot(): Promise<Actor> {
  return createSystem({
    loggerConfig: { categories: { Default: 'Silent' } },
    additionalRequires: [],
  }).rootActor();
}

/** Sends and waits for nothing; a handler that fails is logged by comedy itself. */
export function post(to: ActorRef, topic: string, message?: unknown): void {
  void to.send(topic, message);
}
