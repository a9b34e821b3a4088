/**
 * The plan of a supervisor: its options, checked, with every default filled in.
 */
import type { AnyActorLogic } from 'xstate';
import { checkOptions } from '../runtime/internal.ts';
import {
  checkNotSignificant,
  checkSpecs,
  oneOf,
  type ChildSpec,
  type ChildSpecOptions,
} from './child-spec.ts';
import { checkIntensity } from './intensity.ts';
import { STRATEGIES, type Strategy } from './strategy.ts';

/** The options of a supervisor. */
export interface SupervisorOptions {
  /** Specs in start order. */
  readonly children: readonly (ChildSpec | ChildSpecOptions<AnyActorLogic>)[];
  /** Default `'one_for_one'`. */
  readonly strategy?: Strategy;
  /** Restarts that are allowed within `periodMs`; default 1. One more, and the supervisor ends with `shutdown`. */
  readonly intensity?: number;
  /** Milliseconds; default 5,000. */
  readonly periodMs?: number;
  /** Ends the supervisor when a significant child ends by itself, or when the last one does; default `'never'`. */
  readonly autoShutdown?: 'never' | 'any_significant' | 'all_significant';
}

/** Options that are checked, with every default filled in. */
export type Plan = Required<Omit<SupervisorOptions, 'children'>> & {
  readonly specs: readonly ChildSpec[];
};

/** Checks the options of a supervisor. Throws `InvalidOption`, which names the field. */
export function planOf(options: SupervisorOptions): Plan {
  const known = ['children', 'strategy', 'intensity', 'periodMs', 'autoShutdown'];
  checkOptions(options, known, 'supervisor');
  const {
    strategy = 'one_for_one',
    intensity = 1,
    periodMs = 5_000,
    autoShutdown = 'never',
  } = options;
  oneOf('strategy', strategy, STRATEGIES);
  oneOf('autoShutdown', autoShutdown, ['never', 'any_significant', 'all_significant']);
  checkIntensity(intensity, periodMs);
  const specs = checkSpecs(options.children);
  if (autoShutdown === 'never')
    specs.forEach((spec, index) => checkNotSignificant(spec, `children[${index}]`));
  return { strategy, intensity, periodMs, autoShutdown, specs };
}

const plans = new WeakMap<object, Plan>();

/** Notes the plan of a logic whose options are the same at each start. */
export function keepPlan(logic: object, plan: Plan): void {
  plans.set(logic, plan);
}

/** The plan of a supervisor's logic; undefined when it is made at each start. */
export function planBehind(logic: object): Plan | undefined {
  return plans.get(logic);
}
