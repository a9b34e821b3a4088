/**
 * Policy: may this action run now? Pure rules over the action, who wants it and the present state,
 * and how their rulings make one decision. Whoever enforces it stands elsewhere (guard.ts).
 */
import { InvalidOption, type Budget } from '../../runtime/index.ts';
import { checkFunction, checkOptions } from '../../runtime/internal.ts';

/** What an action does to the world: only a `read` is allowed when no rule speaks. */
export type EffectClass = 'read' | 'write' | 'irreversible' | 'spend' | 'external';

/** Who wants an action: the agent that asks, and the agents that it acts for, from the root of the task. */
export interface Principal {
  readonly agent: string;
  readonly chain: readonly string[];
}

/** Everything that a rule may look at; the same query gives the same ruling. */
export interface PolicyQuery<TState = unknown> {
  readonly action: {
    readonly name: string;
    readonly args: unknown;
    readonly argsDigest: string;
    readonly effectClass: EffectClass;
  };
  readonly principal: Principal;
  readonly state: TState;
  /** Grows by one with each change of the state. */
  readonly stateVersion: number;
  /** The clock's wall time in milliseconds. */
  readonly nowMs: number;
  readonly budget: Budget | undefined;
}

/** What one rule says; undefined when the action is none of its business. */
export interface Ruling {
  readonly decision: 'allow' | 'deny' | 'escalate';
  /** For the audit, and for the model that asked. */
  readonly reason: string;
  /** For the person behind the request. */
  readonly userMessage?: string;
  /** What must be done if the action runs, by name: all of it, or the action is refused. */
  readonly obligations?: readonly string[];
  /** Whether asking again later can come out otherwise. Default false. */
  readonly isRetryable?: boolean;
  /** Names of actions that would do instead. */
  readonly alternatives?: readonly string[];
}

/** A named rule. */
export interface PolicyRule<TState = unknown> {
  readonly id: string;
  readonly rule: (query: PolicyQuery<TState>) => Ruling | undefined;
}

/** The rules of one version. */
export interface Policy<TState = unknown> {
  /** Stands in every decision, and an approval is bound to it. */
  readonly version: string;
  readonly rules: readonly PolicyRule<TState>[];
  /** What happens to an action that no rule speaks of and that is no `read`. Default `'deny'`. */
  readonly otherwise?: 'deny' | 'escalate';
}

/** What a policy comes to: the weightiest ruling, with the obligations of all rulings that allow. */
export interface Decision extends Required<Pick<Ruling, 'decision' | 'reason' | 'isRetryable'>> {
  readonly ruleId: string;
  readonly policyVersion: string;
  readonly userMessage: string | undefined;
  readonly obligations: readonly string[];
  readonly alternatives: readonly string[];
}

const WEIGHT = { allow: 0, escalate: 1, deny: 2 } as const;

/** Throws `InvalidOption` for a policy that is none. */
export function checkPolicy(policy: Policy<never>, field: string): void {
  checkOptions(policy, ['version', 'rules', 'otherwise'], field);
  const ids = policy.rules.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) {
    throw new InvalidOption({
      field: `${field}.rules`,
      given: twice,
      allowed: 'an id for one rule',
    });
  }
  for (const { id, rule } of policy.rules) checkFunction(`${field}.rules.${id}.rule`, rule);
}

/**
 * Decides: deny outweighs escalate, escalate outweighs allow, and of equal rulings the first counts.
 * A rule that throws, or says something that is no decision, denies: a guard never fails open.
 */
export function decide<TState>(policy: Policy<TState>, query: PolicyQuery<TState>): Decision {
  const decisions = policy.rules
    .map((rule) => judge(policy, rule, query))
    .filter((decision) => decision !== undefined);
  const [first = byDefault(policy, query), ...others] = decisions;
  const weightiest = others.reduce(
    (best, next) => (WEIGHT[next.decision] > WEIGHT[best.decision] ? next : best),
    first,
  );
  const obligations = [...new Set(decisions.flatMap((decision) => decision.obligations))];
  return { ...weightiest, obligations };
}

function judge<TState>(
  policy: Policy<TState>,
  { id, rule }: PolicyRule<TState>,
  query: PolicyQuery<TState>,
): Decision | undefined {
  let ruling: Ruling | undefined;
  try {
    ruling = rule(query);
  } catch (error) {
    return decision(policy, id, { decision: 'deny', reason: `the rule failed: ${String(error)}` });
  }
  if (ruling === undefined || Object.hasOwn(WEIGHT, ruling.decision)) {
    return ruling && decision(policy, id, ruling);
  }
  const reason = `the rule said "${String(ruling.decision)}", which is no decision`;
  return decision(policy, id, { decision: 'deny', reason });
}

function byDefault<TState>(policy: Policy<TState>, { action }: PolicyQuery<TState>): Decision {
  const ruling: Ruling =
    action.effectClass === 'read'
      ? { decision: 'allow', reason: 'no rule speaks of it, and it only reads' }
      : { decision: policy.otherwise ?? 'deny', reason: 'no rule speaks of it' };
  return decision(policy, '(default)', ruling);
}

function decision(policy: Policy<never>, ruleId: string, ruling: Ruling): Decision {
  const { obligations = [], alternatives = [], isRetryable = false, userMessage } = ruling;
  return {
    decision: ruling.decision,
    reason: ruling.reason,
    ruleId,
    policyVersion: policy.version,
    userMessage,
    obligations,
    alternatives,
    isRetryable,
  };
}
