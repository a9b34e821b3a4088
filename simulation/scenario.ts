/**
 * A scenario: the program that is simulated, and what must hold of it.
 */
import type * as fc from 'fast-check';
import type { AnyActorLogic, EventObject } from 'xstate';
import {
  InvalidOption,
  type AgentContext,
  type AnyRef,
  type Ref,
  type RefFrom,
  type SpawnArguments,
  type System,
  type Wait,
} from '../runtime/index.ts';
import { checkFunction, checkOptions } from '../runtime/internal.ts';
import type { ClusterNode } from '../transport/cluster.ts';
import type { EffectModel } from './effects.ts';
import type { FaultKind } from './event.ts';
import type { SequentialModel } from './linearizable.ts';
import type { World } from './world.ts';

/** What a scenario's `setup` acts with: code outside agents. */
export interface Stage {
  readonly system: System;
  /** Spawns an agent at the top. */
  readonly spawn: <TLogic extends AnyActorLogic>(
    logic: TLogic,
    ...args: SpawnArguments<TLogic, object>
  ) => RefFrom<TLogic>;
  /** Sends from outside. */
  readonly send: <TMessage extends EventObject>(
    to: Ref<TMessage>,
    message: NoInfer<TMessage>,
  ) => void;
  /** Asks from outside: the request is an obligation that must be settled. */
  readonly ask: <TRequest extends { readonly type: string }>(
    to: AnyRef,
    request: TRequest,
    options?: { readonly timeoutMs?: number },
  ) => void;
  /** The stage of a node that the scenario names in `links`. */
  readonly at: (node: string) => NodeStage;
  /** A client: code that asks and sends as an agent does, from the start on. */
  readonly client: (
    id: string,
    run: (ctx: AgentContext<EventObject>) => Generator<Wait<unknown>, void, unknown>,
  ) => AnyRef;
}

/** The stage of one node. */
export interface NodeStage extends Stage {
  readonly node: ClusterNode;
}

/** Which faults may come, and how many. */
export interface Faults {
  /** Crashes of agents by path: before a message is handled, after its sends have left, or while the agent waits. */
  readonly crash?: {
    readonly of: readonly string[];
    readonly max: number;
    readonly when?: readonly ('before' | 'after' | 'waiting')[];
  };
  /** Messages lost on a link such as `A>B`, where `*` is anybody; frames, on one between nodes. */
  readonly drop?: { readonly on: readonly string[]; readonly max: number };
  /**
   * Groups of agents by path, or of nodes by name, that cannot reach each other for a while. What is sent meanwhile comes
   * when the partition is over; with `loses`, never.
   */
  readonly partition?: {
    readonly groups: readonly (readonly string[])[];
    readonly max: number;
    readonly loses?: boolean;
  };
  /** Messages, or frames, delivered twice. */
  readonly duplicate?: { readonly on: readonly string[]; readonly max: number };
  /** Frames on a link between nodes, such as `edge>core`, that are overtaken by the next. */
  readonly reorder?: { readonly on: readonly string[]; readonly max: number };
  /** Links between nodes, such as `edge<->core`, that end with all that is on its way; both are told. */
  readonly cut?: { readonly on: readonly string[]; readonly max: number };
  /** Effects such as `agent/callLLM` that come to an end although they were given up. */
  readonly late?: { readonly of: readonly string[]; readonly max: number };
}

/** A rule about order: an agent must not handle one type of message before another. */
export interface OrderRule {
  readonly agent: string;
  readonly message: string;
  readonly after: string;
}

/** The agent must not handle `message` before it has handled `after`. */
export function requires(
  agent: string,
  message: string,
  rule: { readonly after: string },
): OrderRule {
  return { agent, message, after: rule.after };
}

/** What is explored, and what must hold. Without any property all default checks are on. */
export interface Scenario<W = undefined> {
  readonly name?: string;
  /** Sets the stage, afresh for every schedule: spawns the agents and sends what starts them. */
  readonly setup: (stage: Stage, workload: W) => void;
  /** What the users of the system do; a value is drawn for every schedule. */
  readonly workload?: fc.Arbitrary<W>;
  /** Must hold after every step. */
  readonly invariant?: Readonly<Record<string, (world: World) => boolean>>;
  /**
   * Must hold at the end, when nothing can happen any more. Where there is no end, it must not fail
   * all along a loop that can go on for ever.
   */
  readonly eventually?: Readonly<Record<string, (world: World) => boolean>>;
  readonly ordering?: readonly OrderRule[];
  /**
   * The agents, by path, whose answers together must be those of one place that handles one request
   * at a time: the model. A request counts from its asking to its answer.
   */
  readonly linearizable?: {
    readonly of: readonly string[];
    readonly model: SequentialModel;
  };
  /**
   * Links between nodes, such as `edge<->core`, over which the protocol of `troupe/transport` runs,
   * every frame an event; the first dials. `stage.at('core')` is the stage of a node. No two nodes may
   * have an agent at the same path. Default: one system, without nodes.
   */
  readonly links?: readonly string[];
  readonly faults?: Faults;
  /**
   * What can come of the work that agents do in the outside world, by its name: the `src` of a
   * promise, callback or observable in `setup({ actors })`, or the key of `ctx.effect`. The name of
   * an agent before it, as in `desk/w1/callLLM`, says that of this agent alone.
   */
  readonly effects?: Readonly<Record<string, EffectModel>>;
  /** Marks the messages whose handling is progress. */
  readonly progress?: (message: EventObject, agent: string) => boolean;
  /** What of an agent's state counts when states are compared, by path; default all. */
  readonly project?: Readonly<Record<string, (state: unknown) => unknown>>;
  /** Messages that may wait in all mailboxes together; default no limit but those of the mailboxes. */
  readonly queuedMax?: number;
  /** What is expected and no error. `*` at the end of a name stands for any ending. */
  readonly allow?: {
    /** Types of messages that may become dead letters although they carry a request. */
    readonly deadLetters?: readonly string[];
    /** Agents that may crash with nobody to tell. */
    readonly crashes?: readonly string[];
    /** Agents whose requests may stay open for ever. */
    readonly waiting?: readonly string[];
  };
}

/** What of a scenario is the same for each workload. */
export type Rules = Omit<Scenario, 'setup' | 'workload'>;

const KEYS: Record<keyof Scenario, true> = {
  name: true,
  setup: true,
  workload: true,
  invariant: true,
  eventually: true,
  ordering: true,
  linearizable: true,
  links: true,
  faults: true,
  effects: true,
  progress: true,
  project: true,
  queuedMax: true,
  allow: true,
};

const FAULTS: readonly FaultKind[] = [
  'crash',
  'drop',
  'duplicate',
  'reorder',
  'cut',
  'partition',
  'late',
];

/** Where each fault says what it can hit, and how. */
const PLACES: Record<FaultKind, readonly [field: string, allowed: string]> = {
  crash: ['of', 'paths of agents, such as ["desk/w1"]'],
  drop: ['on', 'links, such as ["desk>w1"]'],
  duplicate: ['on', 'links, such as ["desk>w1"]'],
  reorder: ['on', 'links between nodes, such as ["edge>core"]'],
  cut: ['on', 'links between nodes, such as ["edge<->core"]'],
  partition: ['groups', 'groups of agents, such as [["edge"], ["core/*"]]'],
  late: ['of', 'effects, such as ["desk/w1/callLLM"]'],
};

const LINK = /^[^<>:#/\s]+<->[^<>:#/\s]+$/;

/** Throws `InvalidOption` when a value is no scenario. */
export function checkScenario<W>(scenario: Scenario<W>): void {
  checkOptions(scenario, Object.keys(KEYS), 'scenario');
  checkFunction('scenario.setup', scenario.setup);
  checkFunction('scenario.progress', scenario.progress, true);
  const { linearizable } = scenario;
  if (linearizable !== undefined && typeof linearizable.model?.apply !== 'function') {
    throw new InvalidOption({
      field: 'scenario.linearizable.model',
      given: linearizable.model,
      allowed: 'an object with initial and a function apply',
    });
  }
  for (const group of ['invariant', 'eventually', 'project'] as const)
    for (const [name, property] of Object.entries(scenario[group] ?? {}))
      checkFunction(`scenario.${group}["${name}"]`, property);
  for (const [name, model] of Object.entries(scenario.effects ?? {}))
    if (typeof model !== 'function' && (typeof model !== 'object' || model === null))
      throw new InvalidOption({
        field: `scenario.effects["${name}"]`,
        given: model,
        allowed: 'outcomes, or a function that gives some',
      });
  const { workload, faults = {} } = scenario;
  if (workload !== undefined && typeof (workload as { generate?: unknown }).generate !== 'function')
    throw new InvalidOption({
      field: 'scenario.workload',
      given: workload,
      allowed: 'a fast-check arbitrary',
    });
  for (const link of scenario.links ?? [])
    if (!LINK.test(link)) {
      const allowed = 'two nodes, such as "edge<->core"';
      throw new InvalidOption({ field: 'scenario.links', given: link, allowed });
    }
  checkOptions(faults, FAULTS, 'scenario.faults');
  for (const kind of FAULTS) {
    const fault = faults[kind] as (Record<string, unknown> & { max?: unknown }) | undefined;
    if (fault === undefined) continue;
    const { max } = fault;
    if (!Number.isInteger(max) || (max as number) < 0)
      throw new InvalidOption({
        field: `scenario.faults.${kind}.max`,
        given: max,
        allowed: 'an integer >= 0',
      });
    const [field, allowed] = PLACES[kind];
    const given = fault[field];
    if (!Array.isArray(given) || given.length === 0)
      throw new InvalidOption({ field: `scenario.faults.${kind}.${field}`, given, allowed });
  }
}

/** Whether a name is one of the patterns; `*` at the end stands for any ending. */
export function matches(patterns: readonly string[] | undefined, name: string): boolean {
  return (patterns ?? []).some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}
