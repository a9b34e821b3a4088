/**
 * The guard: the only path from an agent's wish to an effect. It owns the state that the policy
 * looks at, so it decides, commits and begins the effect in one turn; what was approved is decided
 * anew when the approval comes, and runs only if nothing that it was bound to has changed.
 */
import { fromHandler, type Down, type HandlerLogic, type ReplyTo } from '../../runtime/index.ts';
import { checkMethods, checkOptions } from '../../runtime/internal.ts';
import type { Approver } from './approval.ts';
import type { AuditRecord } from './audit.ts';
import { Enforcement } from './enforcement.ts';
import type { GuardedActions, Perform } from './guarded-action.ts';
import { checkPolicy } from './policy.ts';
import type { Policy, PolicyQuery } from './policy.ts';

/** What a guard handles: actions to perform, facts about the world, and the question what it decided. */
export type GuardEvent<TActions, TFact> =
  | Perform<TActions>
  | { readonly type: 'learn'; readonly fact: TFact }
  | { readonly type: 'audit'; readonly replyTo: ReplyTo<Audited> };

/** The records that a guard has kept. */
export interface Audited {
  readonly type: 'audited';
  readonly records: readonly AuditRecord[];
}

/** The parts of a guard. */
export interface GuardOptions<TState, TFact, TActions extends GuardedActions<TState>> {
  readonly state: TState;
  readonly actions: TActions;
  readonly policy: Policy<TState>;
  /** Decides too, and only for the record. */
  readonly shadow?: Policy<TState>;
  /** The state once a fact is known. Pure. */
  learn?(state: TState, fact: TFact): TState;
  /** Who is asked when the policy escalates; without one, what is escalated is denied. */
  readonly approver?: Approver;
  /** Whether the approver may live on another node. Default false. */
  readonly allowRemoteApprover?: boolean;
  /** Milliseconds until an approval expires; never beyond the request's deadline. Default 900,000. */
  readonly approvalTimeoutMs?: number;
  /** What the policy's obligations do, by name; one that throws or is missing refuses the action. */
  readonly obligations?: Readonly<Record<string, (query: PolicyQuery<TState>) => void>>;
  /** Records kept. Default 1,000. */
  readonly auditCapacity?: number;
}

const KEYS: Record<keyof GuardOptions<never, never, never>, true> = {
  state: true,
  actions: true,
  policy: true,
  shadow: true,
  learn: true,
  approver: true,
  allowRemoteApprover: true,
  approvalTimeoutMs: true,
  obligations: true,
  auditCapacity: true,
};

/**
 * Makes the logic of a guard.
 *
 * Deny outweighs escalate and escalate outweighs allow; what no rule speaks of is denied unless it
 * only reads. An approval is asked of `approver` and covers one performance of exactly this action:
 * when the policy's version or the watched part of the state has changed meanwhile, it is asked again.
 * Throws `InvalidOption` for options that do not fit together.
 *
 * @example
 * ```ts
 * import { guard, guardedAction } from 'troupe/actors';
 * import { z } from 'zod';
 *
 * const bank = guard({
 *   state: { left: 100 },
 *   actions: {
 *     refund: guardedAction({
 *       effectClass: 'spend',
 *       args: z.object({ amount: z.number().positive() }),
 *       commit: (state: { left: number }, { amount }) => ({ left: state.left - amount }),
 *       effect: async ({ amount }, { idempotencyKey }) => `refunded ${amount} as ${idempotencyKey}`,
 *     }),
 *   },
 *   policy: {
 *     version: '1',
 *     rules: [
 *       {
 *         id: 'what is there',
 *         rule: ({ action, state }) =>
 *           (action.args as { amount: number }).amount <= state.left
 *             ? { decision: 'allow', reason: 'it is there' }
 *             : { decision: 'deny', reason: 'there is less' },
 *       },
 *     ],
 *   },
 * });
 * const ref = createSystem().spawn(bank, { id: 'bank' });
 * const verdict = await ref.ask({ type: 'perform.refund', args: { amount: 30 } });
 * ```
 */
export function guard<TState, const TActions extends GuardedActions<TState>, TFact = never>(
  options: GuardOptions<TState, TFact, TActions>,
): HandlerLogic<Enforcement<TState, TFact>, GuardEvent<TActions, TFact>> {
  checkOptions(options, Object.keys(KEYS), 'guard');
  checkPolicy(options.policy, 'guard.policy');
  if (options.shadow !== undefined) checkPolicy(options.shadow, 'guard.shadow');
  for (const [name, action] of Object.entries(options.actions)) {
    checkMethods(`guard.actions.${name}`, action, ['effect']);
  }
  const logic = fromHandler({
    initial: () => new Enforcement<TState, TFact>(options),
    start: (state: Enforcement<TState, TFact>, ctx) => state.start(ctx),
    receive: (
      state: Enforcement<TState, TFact>,
      event: GuardEvent<TActions, TFact> | Down,
      ctx,
    ) => {
      state.receive(event as never, ctx);
    },
  });
  return logic as unknown as HandlerLogic<Enforcement<TState, TFact>, GuardEvent<TActions, TFact>>;
}
