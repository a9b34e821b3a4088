/**
 * The courier: brings one event to its subscriber, and ends with the outcome. It begins a task of its
 * own, so that neither the deadline nor the budget of whoever published reaches the subscriber.
 */
import { fromHandler } from '../../runtime/index.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { TaskRun } from '../run.ts';
import type { Task } from '../task.ts';
import type { BusEvent } from './event.ts';
import type { SubscriptionSpec } from './subscription.ts';

interface Errand {
  readonly event: BusEvent;
  readonly spec: SubscriptionSpec;
}

export const courier = fromHandler({
  initial: (errand: Errand) => errand,
  *afterStart({ event, spec }, ctx) {
    const { performer, timeoutMs = ACTORS_LIMITS.deliveryMs } = spec;
    const task: Task<BusEvent> = { id: event.id, goal: `handle ${event.topic}`, input: event };
    const run = new TaskRun(ctx, task, undefined);
    ctx.stop(yield* run.perform<BusEvent, unknown>(performer as never, task, { timeoutMs }));
  },
  receive: () => undefined,
});
