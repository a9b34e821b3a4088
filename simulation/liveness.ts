/**
 * The liveness of a run: what must not stay as it is for ever, and what a loop is in which it does.
 */
import type { Ask } from '../runtime/internal.ts';
import type { Kernel } from './kernel.ts';
import { AT_THE_END, loopOf } from './lasso.ts';
import { nameOf, obligationName } from './names.ts';
import type { Step } from './step.ts';
import type { Violation } from './violation.ts';
import { stuckOf } from './waits.ts';
import type { World } from './world.ts';

export class Liveness {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The open requests and tasks, and the conditions of the end that do not hold. */
  get pending(): string[] {
    const { obligations, scenario } = this.#kernel;
    const pending = obligations.names;
    for (const [name, holds] of Object.entries(scenario.eventually ?? {}))
      if (!this.#holdsYet(holds)) pending.push(`${AT_THE_END}${name}`);
    return pending;
  }

  /** What a loop is, seen from where it begins: it need not be what keeps things open. */
  judged(loop: Violation): Violation {
    if (loop.obligations[0] !== undefined && loop.obligations.every(isOfTheEnd))
      return this.#judgedByEnd(loop, loop.obligations[0]);
    const { record, obligations, scenario, core } = this.#kernel;
    // Nothing that anybody in the loop does comes to those who wait: to them, all is quiet.
    const related = relatedTo(loop.agents, record.steps);
    const { asks, openTasks } = obligations;
    // Nobody says who holds a task; but if there is a trace of it, it leads to some who are quiet.
    const parties = asks.length > 0 ? partiesOf(asks) : this.#holdersOf(openTasks);
    if (parties.length === 0 || parties.some((name) => related.has(name))) return loop;
    const stuck = stuckOf(core, openTasks, scenario.allow?.waiting);
    if (stuck === undefined) return loop;
    const message = `${stuck.message}; only ${loop.agents.join(', ')} still goes on`;
    const agents = asks.length > 0 ? stuck.agents : parties;
    const apart = { ...loop, ...stuck, agents, message };
    if (!record.isKnown(apart)) return apart;
    const waiting = new Set(asks.map((ask) => obligationName(ask.by, ask.target, ask.request)));
    const left = loop.obligations.filter((name) => !waiting.has(name));
    if (left.length === 0) return apart;
    const { loopFrom = 0 } = loop;
    const { message: text } = loopOf(record.steps.slice(loopFrom), left, loopFrom);
    return { ...loop, obligations: left, message: text };
  }

  /** Who may hold tasks: who opened them, who has lost a message, and who waits for an answer as long as it may. */
  #holdersOf(tasks: readonly string[]): string[] {
    const { record, obligations, core } = this.#kernel;
    // What is looked past has left traces of its own.
    if (record.looksPast) return [];
    const openers = tasks.flatMap((task) => obligations.openerOf(task) ?? []);
    return [...new Set([...openers, ...record.losers, ...partiesOf(core.ledger.open())])];
  }

  /** A loop along which nothing but conditions of the end fails; whoever the first looks at has part in it. */
  #judgedByEnd(loop: Violation, condition: string): Violation {
    const { scenario, world } = this.#kernel;
    const looked = new Set<string>();
    const holds = scenario.eventually?.[condition.slice(AT_THE_END.length)];
    world.watched(looked);
    if (holds !== undefined) this.#holdsYet(holds);
    return { ...loop, verdict: 'SAFETY', obligations: [], agents: [...looked] };
  }

  /** Before the end an agent that a condition looks at may not be there yet. */
  #holdsYet(holds: (world: World) => boolean): boolean {
    try {
      return holds(this.#kernel.world);
    } catch {
      return false;
    }
  }
}

/** Who has asked, who was asked, and who holds what was asked. */
function partiesOf(asks: readonly Ask[]): string[] {
  return asks.flatMap(({ by, target, holder }) =>
    [by, target, holder?.address].flatMap((one) => (one === undefined ? [] : nameOf(one))),
  );
}

function isOfTheEnd(obligation: string): boolean {
  return obligation.startsWith(AT_THE_END);
}

/** The agents that have had to do with some, directly or through others. */
function relatedTo(agents: readonly string[], steps: readonly Step[]): ReadonlySet<string> {
  const related = new Set(agents);
  for (let before = -1; before !== related.size;) {
    before = related.size;
    for (const { agent, cause } of steps) {
      const from = steps[cause]?.agent;
      if (agent === undefined || from === undefined) continue;
      if (related.has(agent)) related.add(from);
      else if (related.has(from)) related.add(agent);
    }
  }
  return related;
}
