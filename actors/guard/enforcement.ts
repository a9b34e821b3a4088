/**
 * The enforcement of a policy: the state that it looks at, and each case on its way from a wish to
 * its verdict. Nothing comes between a decision, its commit and the beginning of its effect.
 */
import {
  InvalidOption,
  isCleanExit,
  type AgentContext,
  type Down,
  type ReplyTo,
} from '../../runtime/index.ts';
import { askOf, running } from '../../runtime/internal.ts';
import { approval, type ApprovalOutcome } from './approval.ts';
import { Audit } from './audit.ts';
import { digestOf } from '../digest.ts';
import { TaskFailed } from '../failure.ts';
import type { Audited, GuardEvent, GuardOptions } from './guard.ts';
import { EffectConflict } from './guarded-action.ts';
import type { AnyAction, GuardedActions, Verdict } from './guarded-action.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { performance, type EffectInput } from './performance.ts';
import { decide, type Decision, type PolicyQuery } from './policy.ts';

/** A request that the guard owes a verdict. */
type Wish = {
  readonly type: string;
  readonly args: unknown;
  readonly callId?: string;
  readonly replyTo: ReplyTo<Verdict>;
};

/** One action on its way: from the first decision to its verdict. */
interface Case {
  readonly name: string;
  readonly args: unknown;
  readonly query: Omit<PolicyQuery, 'state' | 'stateVersion' | 'nowMs'>;
  /** Who waits for the verdict: more than one when the same wish came again while it was open. */
  readonly wishes: Wish[];
  readonly expiresAtMs: number;
  record: number;
  /** The latest decision about it. */
  decision: Decision | undefined;
  /** What the approval that is asked for, or was given, is bound to. */
  bound: string | undefined;
  approvedBy: string | undefined;
  conflicts: number;
}

/** What a guard believes of the world, and the cases on their way. */
export class Enforcement<TState, TFact> {
  readonly #options: GuardOptions<TState, TFact, GuardedActions<TState>>;
  readonly #audit: Audit;
  #ctx!: AgentContext<never>;
  /** What the policy looks at. */
  state: TState;
  /** Grows by one with each change of the state. */
  stateVersion = 0;
  /** By the child that works for it: an approval, or an effect. */
  readonly #cases = new Map<string, Case>();
  readonly #denied = new Map<string, Decision>();

  constructor(options: GuardOptions<TState, TFact, GuardedActions<TState>>) {
    this.#options = options;
    this.state = options.state;
    this.#audit = new Audit(options.auditCapacity ?? ACTORS_LIMITS.auditCapacity, (record) => {
      const level = record.decision.decision === 'allow' ? 'debug' : 'info';
      this.#ctx.report({ level, label: 'guard/decision', fields: { ...record } });
    });
  }

  /** Throws `InvalidOption` for an approver on another node that is not allowed to be there. */
  start(ctx: AgentContext<never>): void {
    this.#ctx = ctx;
    const { approver, allowRemoteApprover = false } = this.#options;
    if (approver === undefined || allowRemoteApprover || !('address' in approver)) return;
    if (approver.address.startsWith(`${ctx.self.node}/`)) return;
    const allowed = `an agent of ${ctx.self.node}, unless allowRemoteApprover is true`;
    throw new InvalidOption({ field: 'guard.approver', given: approver.address, allowed });
  }

  receive(event: Wish | GuardEvent<never, TFact> | Down, ctx: AgentContext<never>): void {
    this.#ctx = ctx;
    if (event.type === 'troupe.down') this.#childEnded(event as Down);
    else if (event.type === 'learn') this.#learn((event as { fact: TFact }).fact);
    else if (event.type === 'audit') {
      const request = event as { type: 'audit'; replyTo: ReplyTo<Audited> };
      ctx.reply(request, { type: 'audited', records: this.#audit.list() });
    } else this.#consider(event as Wish);
  }

  #learn(fact: TFact): void {
    const options = this.#options;
    if (options.learn === undefined) {
      throw new InvalidOption({ field: 'learn', given: fact, allowed: 'nothing: it has no learn' });
    }
    this.#change(options.learn(this.state, fact));
  }

  #change(state: TState): void {
    if (Object.is(state, this.state)) return;
    this.state = state;
    this.stateVersion += 1;
  }

  #consider(wish: Wish): void {
    const name = wish.type.slice('perform.'.length);
    const action = this.#options.actions[name];
    if (action === undefined || !wish.type.startsWith('perform.')) {
      const known = Object.keys(this.#options.actions).join(', ');
      this.#answer([wish], 0, {
        ruling: 'invalid',
        reason: `no action ${name}; there are: ${known}`,
      });
      return;
    }
    const checked = action.args['~standard'].validate(wish.args);
    if (checked instanceof Promise || checked.issues !== undefined) {
      const issues = checked instanceof Promise ? [] : checked.issues;
      const why = issues.map(
        ({ message, path = [] }) => `${path.map(keyOf).join('.')}: ${message}`,
      );
      const reason = `arguments of ${name}: ${why.join('; ') || 'the schema must be synchronous'}`;
      this.#answer([wish], 0, { ruling: 'invalid', reason });
      return;
    }
    const args: unknown = checked.value;
    const chain = running.cell?.life.lineage?.path ?? [];
    const principal = { agent: chain.at(-1) ?? '(outside)', chain };
    const { effectClass } = action;
    const argsDigest = digestOf(args);
    const query = {
      action: { name, args, argsDigest, effectClass },
      principal,
      budget: this.#ctx.budget,
    };
    const same = this.#waitingFor(query);
    if (same !== undefined) {
      this.#ctx.defer(wish);
      same.wishes.push(wish);
      return;
    }
    const expiresAtMs =
      this.#ctx.now() +
      Math.min(
        this.#ctx.remainingMs,
        this.#options.approvalTimeoutMs ?? ACTORS_LIMITS.approvalTimeoutMs,
      );
    this.#rule({
      name,
      args,
      query,
      wishes: [wish],
      expiresAtMs,
      record: 0,
      decision: undefined,
      bound: undefined,
      approvedBy: undefined,
      conflicts: 0,
    });
  }

  /** The same action of the same principal that waits for its approval: it is not asked for twice. */
  #waitingFor({ action, principal }: Case['query']): Case | undefined {
    return [...this.#cases.values()].find(
      (open) =>
        open.bound !== undefined &&
        open.approvedBy === undefined &&
        open.name === action.name &&
        open.query.action.argsDigest === action.argsDigest &&
        open.query.principal.agent === principal.agent,
    );
  }

  /** One decision, and what follows from it, in this turn. */
  #rule(open: Case): void {
    const { policy, shadow } = this.#options;
    const query: PolicyQuery<TState> = {
      ...open.query,
      state: this.state,
      stateVersion: this.stateVersion,
      nowMs: this.#ctx.now(),
    };
    const callId = callOf(open);
    const sticky = callId === undefined ? undefined : this.#denied.get(callId);
    const decision = sticky ?? decide(policy, query);
    open.decision = decision;
    open.record = this.#audit.add({
      atMs: query.nowMs,
      action: open.name,
      argsDigest: query.action.argsDigest,
      principal: query.principal,
      stateVersion: this.stateVersion,
      decision,
      shadow: shadow && decide(shadow, query),
      after: open.record === 0 ? undefined : open.record,
      approvedBy: open.approvedBy,
    });
    if (decision.decision === 'deny') this.#deny(open, decision, callId);
    else if (decision.decision === 'allow' || this.#isCovered(open)) {
      this.#carryOut(open, decision, query);
    } else this.#escalate(open, decision);
  }

  /** Whether the approval that was given is for just this: same policy, same watched state, in time. */
  #isCovered(open: Case): boolean {
    return (
      open.approvedBy !== undefined &&
      open.bound === this.#binding(open) &&
      this.#ctx.now() <= open.expiresAtMs
    );
  }

  #binding({ name, args, query }: Case): string {
    const { actions, policy } = this.#options;
    const action = actions[name];
    const watched = action?.watches?.(this.state, args) ?? this.stateVersion;
    return digestOf([policy.version, query.action.argsDigest, query.principal, watched]);
  }

  #deny(open: Case, decision: Decision, callId: string | undefined): void {
    if (callId !== undefined) {
      this.#denied.set(callId, decision);
      const [oldest] = this.#denied.keys();
      if (this.#denied.size > ACTORS_LIMITS.denialsKept && oldest !== undefined) {
        this.#denied.delete(oldest);
      }
    }
    this.#refuse(open, { ruling: 'denied', reason: decision.reason, decision });
  }

  #refuse(open: Case, verdict: Ruled): void {
    this.#audit.close(open.record, 'refused', this.#ctx.now());
    this.#answer(open.wishes, open.record, verdict);
  }

  #escalate(open: Case, decision: Decision): void {
    const { approver } = this.#options;
    const timeoutMs = open.expiresAtMs - this.#ctx.now();
    if (approver === undefined) {
      this.#deny(
        open,
        { ...decision, reason: `${decision.reason}; nobody approves here` },
        undefined,
      );
      return;
    }
    if (timeoutMs <= 0) {
      this.#refuse(open, { ruling: 'expired', reason: 'no time is left to approve it', decision });
      return;
    }
    const hasChanged = open.approvedBy !== undefined;
    open.bound = this.#binding(open);
    open.approvedBy = undefined;
    const { name: action, args, query, expiresAtMs } = open;
    const { principal } = query;
    const question = {
      type: 'approve',
      action,
      args,
      principal,
      decision,
      hasChanged,
      expiresAtMs,
    } as const;
    const child = this.#ctx.spawn(approval, {
      monitor: true,
      input: { approver, question, timeoutMs },
    });
    this.#owe(child.path, open);
  }

  /** Commits and begins the effect: nothing can come between the decision and this. */
  #carryOut(open: Case, decision: Decision, query: PolicyQuery<TState>): void {
    const action = this.#options.actions[open.name] as AnyAction<TState>;
    const failed = this.#unmet(decision, query);
    if (failed !== undefined) {
      this.#refuse(open, { ruling: 'denied', reason: failed, decision });
      return;
    }
    if (action.commit !== undefined) this.#change(action.commit(this.state, open.args));
    const { path, incarnation } = { path: this.#ctx.self.path, incarnation: this.#ctx.incarnation };
    const input: EffectInput = {
      key: `${path}/${open.name}`,
      args: open.args,
      run: (signal) =>
        action.effect(open.args, {
          idempotencyKey: `${path}#${incarnation}.${open.record}`,
          signal,
        }),
    };
    open.bound = undefined;
    const child = this.#ctx.spawn(performance, { monitor: true, input });
    this.#owe(child.path, open);
  }

  /** Does the obligations; what is wrong with the first that fails. */
  #unmet(decision: Decision, query: PolicyQuery<TState>): string | undefined {
    for (const name of decision.obligations) {
      const obligation = this.#options.obligations?.[name];
      if (obligation === undefined) return `nobody here can meet the obligation ${name}`;
      try {
        obligation(query);
      } catch (error) {
        return `the obligation ${name} was not met: ${String(error)}`;
      }
    }
    return undefined;
  }

  #owe(child: string, open: Case): void {
    for (const wish of open.wishes) this.#ctx.defer(wish);
    this.#cases.set(child, open);
  }

  #childEnded({ ref, reason }: Down): void {
    const open = this.#cases.get(ref.path);
    if (open === undefined) return;
    this.#cases.delete(ref.path);
    if (open.bound === undefined) this.#effectEnded(open, reason);
    else this.#approvalEnded(open, reason);
  }

  #approvalEnded(open: Case, reason: Down['reason']): void {
    const outcome: ApprovalOutcome =
      reason.type === 'normal'
        ? (reason.output as ApprovalOutcome)
        : { ended: 'unavailable', reason: 'the approval ended without an answer' };
    const decision = open.decision as Decision;
    if (outcome.ended !== 'answered') {
      this.#refuse(open, { ruling: 'expired', reason: outcome.reason, decision });
    } else if (!outcome.approval.isApproved) {
      this.#refuse(open, { ruling: 'rejected', reason: outcome.approval.reason, decision });
    } else {
      this.#audit.close(open.record, 'escalated', this.#ctx.now());
      open.approvedBy = outcome.approval.by;
      if (open.wishes.some(isWanted)) this.#rule(open);
    }
  }

  #effectEnded(open: Case, reason: Down['reason']): void {
    const nowMs = this.#ctx.now();
    if (reason.type === 'normal') {
      this.#audit.close(open.record, 'performed', nowMs);
      this.#answer(open.wishes, open.record, { ruling: 'performed', result: reason.output });
      return;
    }
    const error = reason.type === 'crash' ? reason.error : undefined;
    if (error instanceof EffectConflict) {
      this.#takeBack(open);
      this.#audit.close(open.record, 'conflict', nowMs);
      if (error.fact !== undefined) this.#learn(error.fact as TFact);
      if ((open.conflicts += 1) <= ACTORS_LIMITS.conflictRetries) {
        this.#rule(open);
        return;
      }
    } else {
      if (isUndone(error)) this.#takeBack(open);
      this.#audit.close(open.record, 'failed', nowMs);
    }
    const effect = error instanceof EffectConflict || isUndone(error) ? 'none' : 'unknown';
    const why = isCleanExit(reason) ? 'it was stopped' : String(error);
    this.#answer(open.wishes, open.record, { ruling: 'failed', reason: why, effect, error });
  }

  #takeBack({ name, args }: Case): void {
    const action = this.#options.actions[name];
    if (action?.undo !== undefined) this.#change(action.undo(this.state, args));
  }

  #answer(wishes: readonly Wish[], record: number, verdict: Ruled): void {
    for (const wish of wishes) this.#ctx.reply(wish, { type: 'verdict', record, ...verdict });
  }
}

type Ruled = Verdict extends infer TVerdict
  ? TVerdict extends unknown
    ? Omit<TVerdict, 'type' | 'record'>
    : never
  : never;

/** Whether somebody still waits for the verdict: an approval for nobody has no effect. */
function isWanted({ replyTo }: Wish): boolean {
  return askOf(replyTo)?.state === 'open';
}

/** Whether an effect says itself that nothing was done. */
function isUndone(error: unknown): boolean {
  return error instanceof TaskFailed && error.parts.effect === 'none';
}

/** A denial sticks to the call of one principal: another may use the same id. */
function callOf({ wishes: [wish], query }: Case): string | undefined {
  return wish?.callId && `${query.principal.agent} ${wish.callId}`;
}

function keyOf(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === 'object' ? part.key : part);
}
