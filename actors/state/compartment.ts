/**
 * Compartments: the four kinds of state that a team shares, and who may read and write each.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOption, TroupeError } from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { checkClassification, isAbove, type Classification } from './label.ts';

/** What was said, what was found out, who it is for, and how far the work is. */
export const COMPARTMENTS = ['conversation', 'results', 'user', 'workflow'] as const;
export type CompartmentName = (typeof COMPARTMENTS)[number];

/** Lets agents in; all that it says must hold. */
export interface AccessRule {
  /**
   * Who asks: an agent and what lives below it, as a path of this node (`/desk/billing`) or an
   * address of any (`edge/desk`). `/` alone is code outside agents. Default: whoever asks.
   */
  readonly agents?: readonly string[];
  /** For whom it asks: one of these is in the chain of its task. */
  readonly through?: readonly string[];
  /** Data labelled up to this; default `internal`. */
  readonly upTo?: Classification;
}

/** One compartment: its values by key. */
export interface Compartment<TValues> {
  /** What the values of one write must fit, by key and without labels: it must let others be absent. */
  readonly schema?: StandardSchemaV1<unknown, TValues>;
  /** One rule that lets in is enough; default: everybody, up to `internal`. */
  readonly read?: readonly AccessRule[];
  readonly write?: readonly AccessRule[];
  /** Milliseconds after which what was written is erased; default never. */
  readonly retainMs?: number;
}

/** Who asks, as its chain says. */
export interface Asker {
  readonly chain: readonly string[];
  /** The node of whoever is asked. */
  readonly node: string;
}

/** Somebody asked for what is not for them. */
export class AccessDenied extends TroupeError {
  readonly code = 'ACCESS_DENIED';

  constructor(fields: {
    readonly place: string;
    readonly agent: string;
    readonly label?: Classification;
  }) {
    const { place, agent, label } = fields;
    super(`${place}: not for ${agent}${label === undefined ? '' : ` with ${label} data`}`, fields);
  }
}

const EVERYBODY: readonly AccessRule[] = [{}];

/** The address of who asks. */
export function agentOf({ chain }: Asker): string {
  return chain.at(-1) ?? '(nobody)';
}

/** Whether one of the rules lets the asker in with data of the label. Pure. */
export function isAllowed(
  rules: readonly AccessRule[] = EVERYBODY,
  asker: Asker,
  label: Classification,
): boolean {
  const { chain, node } = asker;
  const isOneOf = (places: readonly string[], address: string): boolean =>
    places.some((place) => {
      const whole = place.startsWith('/') ? `${node}${place}` : place;
      return address === whole || address.startsWith(`${whole}/`);
    });
  return rules.some(
    ({ agents, through, upTo = 'internal' }) =>
      !isAbove(label, upTo) &&
      (agents === undefined || isOneOf(agents, agentOf(asker))) &&
      (through === undefined || chain.some((address) => isOneOf(through, address))),
  );
}

/** Throws `InvalidOption` for what is no compartment. */
export function checkCompartment(name: string, compartment: Compartment<unknown>): void {
  const field = `sharedState.${name}`;
  checkOptions(compartment, ['schema', 'read', 'write', 'retainMs'], field);
  checkRules(`${field}.read`, compartment.read);
  checkRules(`${field}.write`, compartment.write);
  const { retainMs = 1 } = compartment;
  if (retainMs > 0) return;
  throw new InvalidOption({
    field: `${field}.retainMs`,
    given: retainMs,
    allowed: 'milliseconds > 0',
  });
}

/** Throws `InvalidOption` for what are no rules. */
export function checkRules(field: string, rules: readonly AccessRule[] = EVERYBODY): void {
  for (const rule of rules) {
    checkOptions(rule, ['agents', 'through', 'upTo'], field);
    if (rule.upTo !== undefined) checkClassification(`${field}.upTo`, rule.upTo);
  }
}
