/**
 * A performance: the agent that does one effect for a guard, so that the guard stays free meanwhile.
 */
import { fromHandler } from '../../runtime/index.ts';

/** What a performance is spawned with. */
export interface EffectInput {
  readonly key: string;
  readonly args: unknown;
  readonly run: (signal: AbortSignal) => PromiseLike<unknown>;
}

/** One effect on its way: its output is the result, its crash the error. */
export const performance = fromHandler({
  initial: (input: EffectInput) => input,
  *afterStart({ key, args, run }, ctx) {
    ctx.stop(yield* ctx.effect(key, run, args));
  },
  receive: () => undefined,
});
