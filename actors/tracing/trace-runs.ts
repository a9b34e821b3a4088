/**
 * Traces: one for each task that comes from outside, with a span for every task that is given away
 * for it, every call of a model and every use of a tool, on this node and on others.
 *
 *     perform -> invoke_workflow -> invoke_agent -> chat
 *                                \-> join        \-> execute_tool -> invoke_agent
 */
import type { InspectionEvent, Report, System } from '../../runtime/index.ts';
import { checkMethods, checkOptions, coreOf } from '../../runtime/internal.ts';
import type { AuditRecord } from '../guard/audit.ts';
import type { Outcome } from '../task.ts';
import { spanContextOf, type OpenTelemetry } from './open-telemetry.ts';
import {
  EVENT,
  GEN_AI,
  OPERATION,
  TROUPE,
  type Attributes,
  type Conventions,
} from './semantics.ts';
import { SpanNode, amounts, textOf } from './span-tree.ts';
import type { OnEnd, SpanMaker, SpanStart } from './span-tree.ts';
import { follow } from './trace.ts';
import type { GivenTask, Operation, RunTrace, SpanEnd, TracedRun, Tracing } from './trace.ts';

/** How runs are traced. */
export interface TraceOptions {
  /** Whether goals, inputs, outputs and messages of errors are told; default false. */
  readonly content?: boolean;
  /** Which conventions for generative AI are spoken; default the latest. */
  readonly conventions?: Conventions;
}

/**
 * Traces all tasks of a system with OpenTelemetry, from now on; returns what ends it. Nodes of a
 * cluster are traced each on its own, and what they do for one task is one trace.
 *
 * @example
 * ```ts
 * import * as otel from '@opentelemetry/api';
 * import { traceRuns } from 'troupe/actors';
 *
 * const stop = traceRuns(system, otel);
 * ```
 *
 * Throws `InvalidOption`.
 */
export function traceRuns(
  system: System,
  otel: OpenTelemetry,
  options: TraceOptions = {},
): () => void {
  checkOptions(options, ['content', 'conventions'], 'traceRuns');
  checkMethods('traceRuns.otel.trace', otel.trace, ['getTracer', 'setSpan', 'setSpanContext']);
  const { content = false, conventions = 'gen_ai_latest_experimental' } = options;
  const core = coreOf(system);
  const { clock } = core;
  const startedMs = clock.wallMs() - clock.now();
  const tracer = otel.trace.getTracer('troupe');
  const nowMs = (): number => startedMs + clock.now();
  const runs = new Runs({ otel, tracer, conventions, content, nowMs });
  follow(core, runs);
  const unobserve = core.inspection.observe((event) => runs.note(event), false);
  return () => {
    unobserve();
    follow(core, undefined);
    runs.endAll();
  };
}

/** What is known of the runs that are alive. */
class Runs implements Tracing {
  readonly #maker: SpanMaker;
  readonly #byPath = new Map<string, Run>();
  /** The spans of tasks that are given away and have not come back, by their traceparent. */
  readonly #given = new Map<string, SpanNode>();

  constructor(maker: SpanMaker) {
    this.#maker = maker;
  }

  client(run: TracedRun): RunTrace {
    return this.#add(run, undefined);
  }

  begun(run: TracedRun): RunTrace {
    const { traceparent, chain, name } = run;
    const given = traceparent === undefined ? undefined : this.#given.get(traceparent);
    if (given !== undefined) {
      given.rename(name);
      return this.#add(run, given);
    }
    // From another node, or from somebody who knows nothing of traces but is part of one.
    const giver = chain.findLast((address) => this.#byPath.has(pathOf(address)));
    const known = giver === undefined ? undefined : this.#byPath.get(pathOf(giver))?.node;
    const parent = spanContextOf(traceparent) ?? known;
    const host = run.path.slice(0, run.path.lastIndexOf('/'));
    const isWorkflow = parent === undefined;
    const attributes = {
      ...agentAttributes(host, isWorkflow),
      ...nameAttribute(name, isWorkflow),
      ...this.#taskAttributes(run),
    };
    const operation = isWorkflow ? OPERATION.workflow : OPERATION.agent;
    const start = { name: `${operation} ${name}`, parent, attributes };
    return this.#add(
      run,
      this.start(start, () => undefined),
      true,
    );
  }

  start(start: SpanStart, onEnd: OnEnd): SpanNode {
    return new SpanNode(this.#maker, start, onEnd);
  }

  /** A task is given away by a run. */
  give({ current, about }: Run, given: GivenTask, onEnd: OnEnd): SpanNode {
    const { task, to, isRemote, attempt, budget = {} } = given;
    const parent = current ?? spanContextOf(about.traceparent);
    const isWorkflow = current === undefined && about.chain.length === 0;
    const start: SpanStart = {
      name: `${isWorkflow ? OPERATION.workflow : OPERATION.agent} ${lastOf(to)}`,
      parent,
      isClient: isRemote,
      attributes: {
        ...agentAttributes(to, isWorkflow),
        ...this.#taskAttributes({ ...about, task, budget }),
        [TROUPE.hops]: about.hops + 1,
        [TROUPE.attempt]: attempt,
      },
    };
    const node = this.start(start, (ended, how) => {
      this.#given.delete(ended.traceparent);
      onEnd(ended, how);
    });
    this.#given.set(node.traceparent, node);
    return node;
  }

  note(event: InspectionEvent): void {
    switch (event.type) {
      case 'ended': {
        const run = this.#byPath.get(event.path);
        if (run === undefined) return;
        this.#byPath.delete(event.path);
        const { reason } = event;
        const outcome =
          reason.type === 'normal' ? (reason.output as Outcome | undefined) : undefined;
        run.end(outcome ?? { status: reason.type === 'crash' ? 'failed' : 'cancelled' });
        return;
      }
      case 'report':
        return this.#report(event.report);
      case 'restarted':
        return this.#restarted(event.path, event.incarnation);
      case 'deadlock':
        for (const address of event.members)
          this.#byPath
            .get(pathOf(address))
            ?.node?.event(EVENT.deadlock, { members: [...event.members] });
        return;
      default:
    }
  }

  endAll(): void {
    for (const run of this.#byPath.values()) run.end({ status: 'cancelled' });
    this.#byPath.clear();
  }

  #add(about: TracedRun, node: SpanNode | undefined, isOwn = false): Run {
    const run = new Run(this, about, node, isOwn);
    this.#byPath.set(about.path, run);
    return run;
  }

  #taskAttributes({ task, chain, hops, budget }: TracedRun): Attributes {
    const { hops: hopsLeft, ...others } = budget;
    return {
      [GEN_AI.conversation]: task.id.split('.')[0] ?? task.id,
      [TROUPE.task]: task.id,
      [TROUPE.hops]: hops,
      [TROUPE.chain]: [...chain],
      ...(hopsLeft !== undefined && { [TROUPE.hopsLeft]: hopsLeft }),
      ...amounts(TROUPE.budget, others),
      ...(this.#maker.content && {
        [TROUPE.goal]: task.goal,
        [TROUPE.input]: textOf(task.input),
      }),
    };
  }

  #report({ label, path, fields }: Report): void {
    if (label === 'actors/decision') {
      const run = this.#byPath.get(path);
      run?.node?.event(EVENT.decision, plain(fields));
      if (String(fields['what']).startsWith('replan')) run?.count(TROUPE.replans);
    } else if (label === 'actors/progress') {
      this.#byPath.get(path)?.node?.event(EVENT.progress, plain(fields));
    } else if (label === 'guard/decision') {
      const { action, argsDigest, principal, decision, outcome, approvedBy, stateVersion } =
        fields as unknown as AuditRecord;
      const node = this.#byPath.get(pathOf(principal.agent))?.current;
      node?.set({ [TROUPE.guardDecision]: decision.decision });
      node?.event(EVENT.guard, {
        guard: path,
        action,
        argsDigest,
        stateVersion,
        outcome,
        [TROUPE.guardDecision]: decision.decision,
        reason: decision.reason,
        rule: decision.ruleId,
        policyVersion: decision.policyVersion,
        ...(approvedBy !== undefined && { approvedBy }),
      });
    }
  }

  /** A restart is told to the work that it happens under: that of the nearest performer above it. */
  #restarted(path: string, incarnation: number): void {
    let nearest: Run[] = [];
    let depth = 0;
    for (const run of this.#byPath.values()) {
      const host = run.about.path.slice(0, run.about.path.lastIndexOf('/'));
      if (!path.startsWith(`${host}/`) || host.length < depth) continue;
      if (host.length > depth) nearest = [];
      depth = host.length;
      nearest.push(run);
    }
    for (const run of nearest) {
      run.node?.event(EVENT.restart, { agent: path, incarnation });
      run.count(TROUPE.restarts);
    }
  }
}

/** One run that is alive. */
class Run implements RunTrace {
  readonly about: TracedRun;
  /** The span of its task; undefined for code outside agents. */
  readonly node: SpanNode | undefined;
  /** Whether that span is its own, and not that of the call that it works for. */
  readonly #isOwn: boolean;
  readonly #runs: Runs;
  readonly #counts: Record<string, number> = {};
  readonly #open = new Set<SpanNode>();
  /** The tasks that have come back and are not joined. */
  #back: SpanNode[] = [];
  /** What it does at the moment: what it gives away is a part of that. */
  current: SpanNode | undefined;

  constructor(runs: Runs, about: TracedRun, node: SpanNode | undefined, isOwn: boolean) {
    this.#runs = runs;
    this.about = about;
    this.node = node;
    this.#isOwn = isOwn;
    this.current = node;
    // The span of a call outlives its answer until the work itself has ended.
    node?.hold();
  }

  get traceparent(): string | undefined {
    return this.node?.traceparent ?? this.about.traceparent;
  }

  given(task: GivenTask): SpanNode {
    const node = this.#runs.give(this, task, (ended, { status }) => {
      this.#open.delete(ended);
      if (status === 'done' || status === 'partial') this.#back.push(ended);
    });
    this.#open.add(node);
    return node;
  }

  operation({ name, subject, attributes = {} }: Operation): SpanNode {
    const before = this.current;
    const isJoin = name === OPERATION.join;
    const start = {
      name: `${name} ${subject}`,
      parent: before,
      isClient: name === OPERATION.chat,
      attributes: { [GEN_AI.operation]: name, ...attributes },
      links: isJoin ? this.#back : [],
    };
    if (isJoin) this.#back = [];
    const node = this.#runs.start(start, (ended) => {
      this.#open.delete(ended);
      this.current = before;
    });
    this.#open.add(node);
    this.current = node;
    return node;
  }

  /** One more of something that is counted in its span. */
  count(name: string): void {
    const count = (this.#counts[name] ?? 0) + 1;
    this.#counts[name] = count;
    this.node?.set({ [name]: count });
  }

  /** The run is over, and with it all that it had under way. */
  end(how: SpanEnd): void {
    for (const node of [...this.#open].toReversed()) node.end({ status: 'cancelled' });
    if (this.#isOwn) this.node?.end(how);
    this.node?.release();
  }
}

function agentAttributes(address: string, isWorkflow: boolean): Attributes {
  return {
    [GEN_AI.operation]: isWorkflow ? OPERATION.workflow : OPERATION.agent,
    [GEN_AI.agentId]: address,
    ...nameAttribute(lastOf(address), isWorkflow),
  };
}

function nameAttribute(name: string, isWorkflow: boolean): Attributes {
  return { [isWorkflow ? GEN_AI.workflow : GEN_AI.agentName]: name };
}

/** What an attribute can say of the data of a decision: lists and objects as JSON. */
function plain(fields: Readonly<Record<string, unknown>>): Attributes {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => {
      if (value === undefined || value === null) return [];
      const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
      return [[name, isPlain ? (value as string) : textOf(value)]];
    }),
  );
}

/** The path of an address of this node; of another's, nothing here has it. */
function pathOf(address: string): string {
  return address.slice(address.indexOf('/'));
}

function lastOf(address: string): string {
  return address.slice(address.lastIndexOf('/') + 1);
}
