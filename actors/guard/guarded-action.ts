/**
 * A guarded action: what can be asked of a guard, what it does to the world, and what is answered.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ReplyTo } from '../../runtime/index.ts';
import type { Decision, EffectClass } from './policy.ts';

/** What an effect is told beside its arguments. */
export interface EffectCall {
  /** The same for every attempt at one performance: give it to the outside world. */
  readonly idempotencyKey: string;
  /** Aborted when the guard ends. */
  readonly signal: AbortSignal;
}

/** One action: what it does to the world, and the state before and after. */
export interface GuardedAction<TState, TArgs, TResult, TGiven = unknown> {
  readonly effectClass: EffectClass;
  readonly args: StandardSchemaV1<TGiven, TArgs>;
  /** The part of the state that an approval is bound to; default: all of it. */
  watches?(state: TState, args: TArgs): unknown;
  /** The state once it is decided, such as with the amount reserved; in the same turn as the decision. */
  commit?(state: TState, args: TArgs): TState;
  /** Takes the commit back when the effect did not happen. */
  undo?(state: TState, args: TArgs): TState;
  /**
   * Does it. Throws {@link EffectConflict} when the outside world is not as the state says, and
   * `TaskFailed` with the effect `'none'` when nothing was done for another reason.
   */
  effect(args: TArgs, call: EffectCall): PromiseLike<TResult>;
}

/** Gives the parts of an action their types: of the arguments by the schema, of the state as annotated. */
export function guardedAction<TState, TArgs, TResult, TGiven>(
  action: GuardedAction<TState, TArgs, TResult, TGiven>,
): GuardedAction<TState, TArgs, TResult, TGiven> {
  return action;
}

/** The outside world refused an effect because the state was out of date; nothing was done. */
export class EffectConflict extends Error {
  override readonly name = 'EffectConflict';
  /** What the guard learns before it decides again. */
  readonly fact: unknown;

  constructor(fact: unknown) {
    super('the outside world is not as the guard believed');
    this.fact = fact;
  }
}

/** What a guard answers to each request, exactly once. */
export type Verdict<TResult = unknown> = { readonly type: 'verdict'; readonly record: number } & (
  | { readonly ruling: 'performed'; readonly result: TResult }
  | {
      readonly ruling: 'denied' | 'rejected' | 'expired';
      readonly reason: string;
      readonly decision: Decision;
    }
  | { readonly ruling: 'invalid'; readonly reason: string }
  | {
      readonly ruling: 'failed';
      readonly reason: string;
      /** Whether anything was done: nothing after conflicts or when the effect says so, else nobody knows. */
      readonly effect: 'none' | 'unknown';
      readonly error: unknown;
    }
);

// oxlint-disable-next-line typescript/no-explicit-any -- the types of each action come from the action
export type AnyAction<TState> = GuardedAction<TState, any, any, any>;

/** The actions of a guard, by name. */
export type GuardedActions<TState> = Readonly<Record<string, AnyAction<TState>>>;

/** The request to perform an action: its type is `perform.` and the action's name. */
export type Perform<TActions> = {
  [TName in keyof TActions & string]: {
    readonly type: `perform.${TName}`;
    readonly args: TActions[TName] extends { readonly args: StandardSchemaV1<infer TArgs> }
      ? TArgs
      : never;
    /** Makes a denial stick: the same id is denied again, whatever has changed. */
    readonly callId?: string;
    readonly replyTo: ReplyTo<
      Verdict<
        TActions[TName] extends { effect(...given: never[]): PromiseLike<infer TResult> }
          ? TResult
          : never
      >
    >;
  };
}[keyof TActions & string];
