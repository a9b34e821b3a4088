/**
 * The checks of a run: after every step, and when nothing can happen any more.
 */
import { within, type Ambient } from './ambient.ts';
import { digest } from './digest.ts';
import type { Kernel } from './kernel.ts';
import { errorText, type Violation } from './violation.ts';
import { deadlockOf, stuckOf } from './waits.ts';
import type { World } from './world.ts';

type Property = (world: World) => boolean;

export class Checks {
  readonly #kernel: Kernel;
  /** Whose properties are looked at: what they call is told it. */
  readonly #run: Ambient;
  readonly #invariants: readonly (readonly [name: string, holds: Property])[];

  constructor(kernel: Kernel, run: Ambient) {
    this.#kernel = kernel;
    this.#run = run;
    this.#invariants = Object.entries(kernel.scenario.invariant ?? {});
  }

  /** After a step. */
  afterStep(): void {
    const { record, core, links } = this.#kernel;
    if (record.violation !== undefined) return;
    for (const [name, holds] of this.#invariants)
      if (!this.#holds(holds, `the invariant "${name}" does not hold`)) return;
    if (!this.#isExplained() || !this.#hasRoom()) return;
    // Who waits for an agent waits for an answer, or for room.
    if (core.ledger.size === 0 && !links.hasBlocked) return;
    const deadlock = deadlockOf(core);
    if (deadlock !== undefined) record.violate(deadlock.verdict, deadlock.message, deadlock);
  }

  /** Nothing can happen any more: is anybody still waiting, and do the conditions of the end hold? */
  atEnd(): void {
    const { record, scenario, core, effects, obligations } = this.#kernel;
    if (record.violation !== undefined) return;
    const stuck = stuckOf(core, obligations.openTasks, scenario.allow?.waiting);
    if (stuck !== undefined) {
      const hung = effects.hung.map((id) => `; ${id} hangs`).join('');
      const message = `${stuck.message}${hung}`;
      record.violate(stuck.verdict, message, { ...stuck, agents: this.#partIn(stuck), message });
      return;
    }
    for (const [name, holds] of Object.entries(scenario.eventually ?? {}))
      if (!this.#holds(holds, `at the end "${name}" does not hold`)) return;
  }

  /** Whether the answer that has come, if one has, could be that of one place after the other. */
  #isExplained(): boolean {
    const { record, history, scenario } = this.#kernel;
    const answer = record.steps.at(-1)?.kind === 'reply' ? history?.unexplained : undefined;
    if (answer === undefined) return true;
    const { by, request, reply } = answer;
    const given = digest(reply, () => 'request');
    const text = `no order of the requests explains that ${by} asked ${request.type} and got ${given}`;
    record.violate('SAFETY', text, { agents: [by, ...(scenario.linearizable?.of ?? [])] });
    return false;
  }

  /** Whether no more messages wait than may. */
  #hasRoom(): boolean {
    const { record, core, world, scenario } = this.#kernel;
    const { queuedMax = Infinity } = scenario;
    if (queuedMax === Infinity) return true;
    const queued = world.queued();
    if (queued <= queuedMax) return true;
    const fullest = [...core.cells.values()]
      .filter(({ mailbox }) => mailbox.depth > 0)
      .sort((a, b) => b.mailbox.depth - a.mailbox.depth);
    record.violate('OVERLOAD', `${queued} messages wait, more than ${queuedMax}`, {
      agents: fullest.map(({ path }) => path.slice(1)),
    });
    return false;
  }

  /** Whether a property holds; when not, whoever acted last and whoever it looked at have part in it. */
  #holds(holds: Property, text: string): boolean {
    const { record, world } = this.#kernel;
    const looked = new Set<string>();
    const last = record.steps.at(-1)?.agent;
    let why = '';
    let cause: unknown;
    try {
      const isHeld = within(this.#run, () => holds(world.watched(looked)));
      // A property that the time or chance has part in says nothing.
      if (record.violation !== undefined) return false;
      if (isHeld) return true;
    } catch (error) {
      if (record.violation !== undefined) return false;
      // It cannot be told whether it holds, and that in this schedule: a test that throws has failed.
      why = `, for it throws ${errorText(error)}`;
      cause = error;
    }
    if (last !== undefined) looked.add(last);
    const part = { agents: [...looked], ...(why !== '' && { cause }) };
    record.violate('SAFETY', `${text}${why}`, part);
    return false;
  }

  /** Of a task it is not known who holds it: but who opened it is, and who has lost a message. */
  #partIn({ agents, obligations }: Pick<Violation, 'agents' | 'obligations'>): string[] {
    const { record, obligations: all } = this.#kernel;
    const openers = obligations.flatMap((name) => all.openerOf(name) ?? []);
    const isTask = obligations.some((name) => all.tasks.has(name));
    const known = new Set([...agents, ...(isTask ? [...openers, ...record.losers] : [])]);
    if (isTask && known.size === openers.length)
      for (const { agent, sent, discharged } of record.steps)
        if (agent !== undefined && sent.length === 0 && discharged.length === 0) known.add(agent);
    return [...known];
  }
}
