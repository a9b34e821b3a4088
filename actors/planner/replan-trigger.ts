/**
 * The trigger of a plan: says when another plan is asked for. Thresholds, and each holds its peace
 * after it has fired until there is something new.
 */
import type { Failure } from '../failure.ts';
import type { PlanStep, ReplanTriggers } from './plan.ts';

const DEFAULT: ReplanTriggers = { failures: { any: 1 } };

export class ReplanTrigger {
  readonly #triggers: ReplanTriggers;
  /** Failed steps since the last plan. */
  #failures: Failure[] = [];
  #urgent: string | undefined;
  #isArmed = true;
  #progressMs: number;

  constructor(triggers: ReplanTriggers | undefined, nowMs: number) {
    this.#triggers = triggers ?? DEFAULT;
    this.#progressMs = nowMs;
  }

  /** A step has failed, with its whole ladder. */
  failed(failure: Failure, { id, replanOn = [] }: PlanStep): void {
    this.#failures.push(failure);
    const { kind } = failure;
    if (replanOn.includes(kind)) this.#urgent ??= `step "${id}" failed with ${kind}`;
  }

  /** A step has been done. */
  progressed(nowMs: number): void {
    this.#progressMs = nowMs;
  }

  /** Milliseconds until it counts as a stall that nothing is done. */
  stallsInMs(nowMs: number): number {
    return Math.max(0, this.#progressMs + (this.#triggers.stallMs ?? Infinity) - nowMs);
  }

  /** Why another plan is wanted now; undefined when none is. */
  fires(nowMs: number, blockedPercent: number): string | undefined {
    const { failures = {}, blockedPercent: blockedMax = Infinity } = this.#triggers;
    // Half of it must be gone before it counts again: at the threshold itself it would flutter.
    if (blockedPercent < blockedMax / 2) this.#isArmed = true;
    if (this.#urgent !== undefined) return this.#urgent;
    for (const [kind, max] of Object.entries(failures)) {
      const count = this.#failures.filter((each) => kind === 'any' || each.kind === kind).length;
      if (count >= max) return `failed steps: ${count}, of kind ${kind}; threshold: ${max}`;
    }
    if (this.#isArmed && blockedPercent >= blockedMax)
      return `blocked steps: ${Math.round(blockedPercent)} %; threshold: ${blockedMax} %`;
    if (this.stallsInMs(nowMs) === 0) return `nothing was done for ${this.#triggers.stallMs} ms`;
    return undefined;
  }

  /** Another plan was asked for: what has been counted so far counts no more. */
  reset(nowMs: number): void {
    this.#failures = [];
    this.#urgent = undefined;
    this.#isArmed = false;
    this.#progressMs = nowMs;
  }
}
