/**
 * Publishing by work: the event is published again, under its dedupe key, until the bus has it.
 */
import { LIMITS, type Wait } from '../../runtime/index.ts';
import { backoffMs } from '../../supervision/index.ts';
import { TaskFailed } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import type { TaskRun } from '../run.ts';
import type { BusRef, Published } from './bus.ts';
import { freshId, type EventSpec } from './event.ts';

/**
 * Publishes an event for a task. While the bus is away or does not answer, it tries again, for as
 * long as the task has time. Throws `TaskFailed`.
 *
 * @example
 * ```ts
 * const till = performer('till', function* ({ id, input }: Task<{ order: string }>, run) {
 *   const event = { topic: 'order.paid', payload: input, key: input.order, id: `${id} paid` };
 *   yield* publish(run, bus, event);
 * });
 * ```
 */
export function* publish(
  run: TaskRun,
  bus: BusRef,
  spec: EventSpec,
): Generator<Wait<unknown>, Published, unknown> {
  const { deliveryRetryMinMs: minMs, deliveryRetryMaxMs: maxMs } = ACTORS_LIMITS;
  // The same in each attempt, so that the bus knows it again.
  const id = spec.id ?? (spec.cause === undefined ? freshId(run.ctx) : undefined);
  const event = id === undefined ? spec : { ...spec, id };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const timeoutMs = Math.min(LIMITS.askTimeoutMs, Math.max(0, run.remainingMs));
      return yield* run.ctx.ask(bus, { type: 'publish', event }, { timeoutMs });
    } catch (error) {
      const failure = run.failureOf(error);
      const delayMs = backoffMs({ minMs, maxMs }, attempt - 1, run.ctx.random());
      if (failure.retry.retryable && delayMs < run.remainingMs) {
        yield* run.sleep(delayMs);
        continue;
      }
      const { kind, message, retry, effect } = failure;
      const parts = { kind, message: `publish ${spec.topic}: ${message}`, retry, effect };
      throw new TaskFailed({ ...parts, causes: [failure] }, { cause: error });
    }
  }
}
