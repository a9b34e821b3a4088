/**
 * A purse: what one task may still spend, by name. What is given to a child is taken out before and
 * what the child has left is put back after, so that children never spend more than there is.
 *
 * A name that the budget does not have is not limited, only counted. Two names mean the same
 * everywhere: `calls` is the number of delegations, nested ones too; `hops` is their depth, which is
 * handed down and not used up.
 */
import { InvalidOption, type Budget } from '../runtime/index.ts';
import { TaskFailed } from './failure.ts';

export class Purse {
  readonly #left: Record<string, number>;
  readonly #spent: Record<string, number> = {};

  constructor(budget: Budget) {
    this.#left = { ...budget };
  }

  /** What may still be spent. */
  get left(): Budget {
    return { ...this.#left };
  }

  /** What was spent, with what is given away and not settled. */
  get spent(): Budget {
    return { ...this.#spent };
  }

  /** Spends. Throws `TaskFailed` (`budgetExceeded`) when there is less left, and then nothing is spent. */
  spend(amounts: Budget): void {
    for (const [name, amount] of Object.entries(amounts)) {
      if (!(amount >= 0))
        throw new InvalidOption({
          field: `spend.${name}`,
          given: amount,
          allowed: 'a number >= 0',
        });
      const left = this.#left[name] ?? Infinity;
      if (amount > left) throw exceeded(name, amount, left);
    }
    for (const [name, amount] of Object.entries(amounts)) this.#move(name, amount);
  }

  /**
   * Takes out what a child may spend: of each limited name what is asked for, or all that is left.
   * Costs one of `calls`. Throws `TaskFailed` when a name has nothing left, or nothing was asked for.
   */
  grant(asked: Budget = {}): Budget {
    const { calls, hops } = this.#left;
    if (calls !== undefined && calls < 1) throw exceeded('calls', 1, calls);
    if (hops !== undefined && hops < 1) {
      const message = 'the budget allows no further hop';
      throw new TaskFailed({ kind: 'hopLimit', message, effect: 'none' });
    }
    const grant: Record<string, number> = {};
    for (const name of new Set([...Object.keys(this.#left), ...Object.keys(asked)])) {
      const own = name === 'calls' || name === 'hops' ? 1 : 0;
      const left = (this.#left[name] ?? Infinity) - own;
      const amount = Math.min(left, asked[name] ?? Infinity);
      // Without a call or a hop a leaf can still work; without anything else nobody can.
      if (own === 0 && amount <= 0) throw exceeded(name, asked[name] ?? 1, left);
      grant[name] = amount;
    }
    this.#move('calls', 1);
    for (const [name, amount] of Object.entries(grant))
      if (name !== 'hops') this.#move(name, amount);
    return grant;
  }

  /** A child has ended: puts back what it has not spent. Without `spent`, all of it counts as spent. */
  settle(grant: Budget, spent: Budget = grant): void {
    for (const name of new Set([...Object.keys(grant), ...Object.keys(spent)])) {
      if (name !== 'hops') this.#move(name, (spent[name] ?? 0) - (grant[name] ?? 0));
    }
  }

  /** What is left in equal parts, for so many children at once. */
  share(parts: number): Budget {
    const share: Record<string, number> = {};
    for (const [name, left] of Object.entries(this.#left)) {
      if (name === 'hops') continue;
      // Each of them costs a call before it can make one.
      share[name] =
        name === 'calls' ? Math.max(0, Math.floor(left / parts) - 1) : Math.max(0, left / parts);
    }
    return share;
  }

  #move(name: string, amount: number): void {
    this.#spent[name] = exact((this.#spent[name] ?? 0) + amount);
    const left = this.#left[name];
    if (left !== undefined) this.#left[name] = exact(left - amount);
  }
}

/** Without the dust of binary fractions: a third that is given away and comes back leaves nothing behind. */
function exact(amount: number): number {
  return Number.isInteger(amount) || !Number.isFinite(amount)
    ? amount
    : Math.round(amount * 1e9) / 1e9 + 0;
}

function exceeded(name: string, asked: number, left: number): TaskFailed {
  return new TaskFailed({
    kind: 'budgetExceeded',
    message: `budget ${name}: asked for ${asked}, left: ${left}`,
    effect: 'none',
    retry: { retryable: false, sameInputWillFail: true },
  });
}
