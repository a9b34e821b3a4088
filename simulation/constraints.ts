/**
 * The constraints of a failing schedule: its way is gone once more, and everything about its order
 * that may have mattered is noted. Most of it did not; the shrinker finds out (simulation/shrink.ts).
 *
 * A pair is noted for two events at one agent that could both have come, for each message and the
 * next at one agent, for a timer and all that it overtook, and for what never came at all.
 */
import type { Case, Constraint } from './case.ts';
import { races, type SimEvent } from './event.ts';
import { anyOf } from './follow.ts';
import { orderId } from './hold.ts';
import { Run } from './run.ts';
import type { Choice, Step } from './step.ts';
import type { Scenario } from './scenario.ts';
import { chooserOf, type Move } from './schedule.ts';

/** All that may have mattered about a schedule, as a case. */
export function caseOf<W>(
  scenario: Scenario<W>,
  workload: W,
  [setup, ...moves]: readonly Move[],
  beside?: readonly string[],
): Case<W> {
  const run = new Run(scenario, workload, setup && chooserOf(setup), beside);
  const order = new Order();
  const faults: string[] = [];
  for (const move of moves) {
    if (run.violation !== undefined) break;
    const enabled = run.enabled();
    const all: readonly SimEvent[] = enabled.some(({ id }) => id === move.id)
      ? enabled
      : run.faults(enabled);
    const event = all.find(({ id }) => id === move.id);
    if (event === undefined) break;
    if (!enabled.includes(event)) faults.push(event.id);
    run.chooser = chooserOf(move);
    order.happened(event, enabled, run.step(event));
  }
  order.ended(run.enabled());
  const { setup: first, steps } = run;
  const choices = choicesOf([...first.choices, ...steps.flatMap((step) => step.choices)]);
  const { constraints } = order;
  return { workload, constraints, faults, choices, ...(beside && { beside }) };
}

/** The choices that are not the first option. What a label chose last counts for all that comes after. */
export function choicesOf(made: readonly Choice[], goesOn = false): Record<string, number> {
  const last = new Map<string, number>();
  if (goesOn) for (const { id, index } of made) last.set(anyOf(id), index);
  const choices: Record<string, number> = {};
  for (const [label, index] of last) if (index > 0) choices[label] = index;
  for (const { id, index } of made) if (index !== (choices[anyOf(id)] ?? 0)) choices[id] = index;
  return choices;
}

/** The pairs of one run, as they come up. */
class Order {
  readonly #pairs = new Map<string, Constraint>();
  /** By agent: the last event that it had. */
  readonly #last = new Map<string, string>();
  #lastOfAll: string | undefined;

  /**
   * The first are the first to be dropped: those of events that have no agent in common, then those
   * that two agents handle. What is left at last is near to the bug, and easy to read.
   */
  get constraints(): Constraint[] {
    const distance = ({ before, after }: Constraint): number => {
      if (targetOf(before) === targetOf(after)) return 0;
      const names = namesOf(after);
      return namesOf(before).some((name) => names.includes(name)) ? 1 : 2;
    };
    return [...this.#pairs.values()]
      .map((pair) => ({ pair, far: distance(pair) }))
      .sort((a, b) => b.far - a.far)
      .map(({ pair }) => pair);
  }

  happened(event: SimEvent, enabled: readonly SimEvent[], { agent }: Step): void {
    const id = orderId(event.id);
    for (const other of enabled)
      if (other.id !== id && (races(event, other) || event.cell === undefined))
        this.#note(id, other.id);
    // Nothing says when an agent that waits crashes, but what all had come to by then.
    if (event.kind === 'crash waiting')
      for (const last of this.#last.values()) this.#note(last, id);
    if (agent !== undefined) {
      this.#note(this.#last.get(agent), id);
      this.#last.set(agent, id);
    }
    this.#lastOfAll = id;
  }

  /** What could still have come, and did not. */
  ended(enabled: readonly SimEvent[]): void {
    for (const { id, cell } of enabled) {
      this.#note(this.#lastOfAll, id);
      if (cell !== undefined) this.#note(this.#last.get(cell.path.slice(1)), id);
    }
  }

  #note(before: string | undefined, after: string): void {
    if (before === undefined || before === after) return;
    this.#pairs.set(`${before}\n${after}`, { before, after });
  }
}

/** Who handles an event: `B` of `A>B:go#1`. */
function targetOf(id: string): string {
  return namesOf(id).at(-1) ?? '';
}

/** The agents that an id names: sender and receiver, the owner of a timer, the victim of a crash. */
function namesOf(id: string): string[] {
  const alone = /^(?:timer|crash waiting) (.*)[#@]\d+$/.exec(id)?.[1];
  if (alone !== undefined) return [alone];
  const [from = '', rest = ''] = id.split('>');
  return [from, rest.slice(0, rest.indexOf(':'))];
}
