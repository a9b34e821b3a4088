/**
 * Rules of order, watched in one run: a message that must not be handled before another.
 */
import type { OrderRule } from './scenario.ts';

export class OrderWatch {
  readonly #rules: readonly OrderRule[];
  readonly #fulfilled = new Set<OrderRule>();

  constructor(rules: readonly OrderRule[]) {
    this.#rules = rules;
  }

  /** An agent handles a message. */
  handled(agent: string, message: string, broken: (text: string) => void): void {
    for (const rule of this.#rules) {
      if (rule.agent !== agent) continue;
      if (rule.after === message) this.#fulfilled.add(rule);
      else if (rule.message === message && !this.#fulfilled.has(rule))
        broken(`${agent} handles "${message}" before "${rule.after}"`);
    }
  }

  /** Which rules are fulfilled, as a part of the state. */
  get text(): string {
    return this.#rules.map((rule) => (this.#fulfilled.has(rule) ? '1' : '0')).join('');
  }
}
