/**
 * The execution of a plan: runs the steps that are ready side by side, climbs the ladder of those
 * that fail, and keeps what each gave. It decides nothing that the plan does not say.
 *
 *     waiting -> running -> done | failed (its ladder has ended)
 *           \ blocked: what it needs has failed
 */
import type { Wait } from '../../runtime/index.ts';
import type { Call } from '../call.ts';
import { digestOf } from '../digest.ts';
import { TaskFailed, type Failure } from '../failure.ts';
import { ACTORS_LIMITS, marginOf } from '../limits.ts';
import { memberOf, type Registry } from '../registry.ts';
import type { TaskRun } from '../run.ts';
import { fit } from '../schema.ts';
import type { Outcome, Performer, Step } from '../task.ts';
import { resolve, type BindingScope } from './binding.ts';
import { schemaOf } from './json-shape.ts';
import { DEFAULT_LADDER, nextMove, rungsOf, type Attempted, type PlanRung } from './ladder.ts';
import { dependenciesOf, dependentsOf, waysOf, type Plan, type PlanStep } from './plan.ts';

type Members = Readonly<Record<string, Performer<unknown, unknown>>>;

export type StepStatus = 'done' | 'failed' | 'blocked' | 'running' | 'waiting';

/** What a step gave. Its digest says of which capability, with which input. */
interface Finished {
  readonly digest: string;
  readonly output: unknown;
  readonly missing: readonly string[];
  readonly failures: readonly Failure[];
}

/** A step that is being done. */
interface Open {
  readonly step: PlanStep;
  readonly input: unknown;
  readonly digest: string;
  readonly startedMs: number;
  readonly rungs: readonly PlanRung[];
  readonly workers: readonly string[];
  readonly attempts: readonly Attempted[];
  readonly current: Omit<Attempted, 'failure'>;
  readonly call: Call<unknown> | undefined;
  /** Until the next attempt. */
  readonly pause: Wait<void> | undefined;
}

export interface ExecutionOptions {
  /** Steps at a time. */
  readonly concurrency: number;
  /** Whether part of the time and of the budget is kept for asking for another plan. */
  readonly keepsReserve: boolean;
  /** Told of each step that has ended. */
  readonly onStep: (step: Step) => void;
  /** Told of each failed one besides. */
  readonly onFailure: (failure: Failure, step: PlanStep) => void;
}

export class Execution {
  readonly #run: TaskRun<Members>;
  readonly #registry: Registry;
  readonly #options: ExecutionOptions;
  #plan: Plan = { steps: [] };
  #ways: ReadonlyMap<string, number> = new Map();
  /** What earlier plans, or an earlier run, have given, by step and digest: used again where both are the same. */
  readonly #known = new Map<string, Finished>();
  readonly #finished = new Map<string, Finished>();
  readonly #failed = new Map<string, Failure>();
  readonly #open = new Map<string, Open>();
  /** What fails again with the same input, by its digest. */
  readonly #doomed = new Map<string, Failure>();

  constructor(
    run: TaskRun<Members>,
    registry: Registry,
    known: readonly Step[],
    options: ExecutionOptions,
  ) {
    this.#run = run;
    this.#registry = registry;
    this.#options = options;
    for (const { name, input, outcome } of known)
      if (outcome.status === 'done') {
        const { capability, input: value } = input as StepInput;
        const digest = digestOf([capability, value]);
        const finished = { digest, output: outcome.output, missing: [], failures: [] };
        this.#known.set(keyOf(name, digest), finished);
      }
  }

  get plan(): Plan {
    return this.#plan;
  }
  get isComplete(): boolean {
    return this.#finished.size === this.#plan.steps.length;
  }
  /** Nothing runs, and nothing can. */
  get isStuck(): boolean {
    return this.#open.size === 0 && !this.#plan.steps.some((step) => this.#isReady(step));
  }
  get scope(): BindingScope {
    const outputs = [...this.#finished].map(([id, { output }]) => [id, output] as const);
    return { input: this.#run.task.input, outputs: new Map(outputs) };
  }

  statusOf(id: string): StepStatus {
    if (this.#finished.has(id)) return 'done';
    if (this.#failed.has(id)) return 'failed';
    if (this.#open.has(id)) return 'running';
    return [...this.#failed.values()].some(({ blocked }) => blocked.includes(id))
      ? 'blocked'
      : 'waiting';
  }

  /** The part of the steps that cannot be done: they failed, or need one that did. */
  get blockedPercent(): number {
    const { steps } = this.#plan;
    const blocked = steps.filter(({ id }) => ['failed', 'blocked'].includes(this.statusOf(id)));
    return steps.length === 0 ? 0 : (100 * blocked.length) / steps.length;
  }

  /** What is not there of the plan, and why. */
  get gaps(): { readonly missing: readonly string[]; readonly failures: readonly Failure[] } {
    const missing = this.#plan.steps.flatMap(({ id }) => this.#finished.get(id)?.missing ?? [id]);
    const degraded = [...this.#finished.values()].flatMap(({ failures }) => failures);
    return { missing, failures: [...this.#failed.values(), ...degraded] };
  }

  /** The steps of a plan that would do again what is known to fail, with the failure. */
  repeatsOf(plan: Plan): readonly (readonly [PlanStep, Failure])[] {
    return plan.steps.flatMap((step): (readonly [PlanStep, Failure])[] => {
      // What a step before gives may be another thing next time; then it is looked at again.
      const isOpen = dependenciesOf(step).some((need) => !this.#finished.has(need));
      if (isOpen || this.#finished.has(step.id) || step.skip === true) return [];
      const failure = this.#doomed.get(this.#digestOf(step));
      return failure === undefined ? [] : [[step, failure]];
    });
  }

  /** Goes on with another plan: what is done or under way and still the same stays, the rest is cancelled. */
  adopt(plan: Plan): void {
    const running = new Map(this.#open);
    for (const step of this.#plan.steps) {
      const finished = this.#finished.get(step.id);
      const same = plan.steps.find(({ id }) => id === step.id);
      // A part is enough for the step that gave it, not for one that is to do it better.
      const isOf = finished?.missing.length === 0 || digestOf(step) === digestOf(same);
      if (finished !== undefined && isOf)
        this.#known.set(keyOf(step.id, finished.digest), finished);
    }
    this.#finished.clear();
    this.#failed.clear();
    this.#open.clear();
    this.#plan = plan;
    this.#ways = waysOf(plan);
    this.#untilNothingChanges((step) => {
      const open = running.get(step.id);
      if (open !== undefined && digestOf(open.step) === digestOf(step)) {
        if (open.digest !== this.#digestOf(step)) return;
        running.delete(step.id);
        this.#open.set(step.id, open);
      } else this.#reuse(step);
    });
    for (const [id, open] of running) {
      this.#run.decide('cancel a step', 'the plan has changed', { step: id });
      open.call?.cancel('the plan has changed');
    }
  }

  /** Begins the steps that are ready, as many as may run at a time, in the order of the plan. */
  startReady(): void {
    this.#untilNothingChanges((step) => {
      if (this.#reuse(step) || this.#open.size >= this.#options.concurrency) return;
      this.#begin(step);
    });
  }

  /** Waits until something has happened to a step, or one of the bells rings. */
  *next(bells: readonly Wait<void>[]): Generator<Wait<unknown>, void, unknown> {
    const open = [...this.#open.values()];
    const isDue = ({ call, pause }: Open): boolean => pause?.settled ?? call?.settled ?? true;
    if (!open.some(isDue)) {
      const waits = open.flatMap(({ call, pause }) => pause ?? call?.wait ?? []);
      yield* this.#run.ctx.any([...waits, ...bells]);
    }
    for (const each of open) {
      if (!isDue(each)) continue;
      if (each.pause !== undefined) this.#attempt(each);
      else if (each.call !== undefined) this.#settle(each, yield* each.call.outcome());
    }
  }

  /** Time is up: what still runs has failed. */
  end(): void {
    for (const open of this.#open.values()) {
      open.call?.cancel('time is up');
      const message = 'time was up before it was done';
      const failure = this.#run.failureOf(new TaskFailed({ kind: 'timeout', message }));
      this.#fail({ ...open, attempts: [...open.attempts, { ...open.current, failure }] });
    }
  }

  #untilNothingChanges(visit: (step: PlanStep) => void): void {
    const count = (): number => this.#finished.size + this.#failed.size + this.#open.size;
    for (let before = -1; before !== count();) {
      before = count();
      for (const step of this.#plan.steps) if (this.#isReady(step)) visit(step);
    }
  }

  #isReady(step: PlanStep): boolean {
    const { id } = step;
    if (this.#finished.has(id) || this.#failed.has(id) || this.#open.has(id)) return false;
    return dependenciesOf(step).every((need) => this.#finished.has(need));
  }

  #inputOf({ input }: PlanStep): unknown {
    return input && resolve(input, this.scope);
  }

  #digestOf(step: PlanStep): string {
    return digestOf([step.capability, this.#inputOf(step)]);
  }

  /** Takes what is known already of a step with this input. */
  #reuse(step: PlanStep): boolean {
    if (step.skip === true) return false;
    const known = this.#known.get(keyOf(step.id, this.#digestOf(step)));
    if (known === undefined) return false;
    this.#finished.set(step.id, known);
    return true;
  }

  #begin(step: PlanStep): void {
    const { capability, ladder = this.#plan.ladder ?? DEFAULT_LADDER } = step;
    const input = this.#inputOf(step);
    const { input: schema, workers: all } = this.#registry.find(capability);
    const workers = Object.keys(all);
    const open: Open = {
      step,
      input,
      digest: digestOf([capability, input]),
      startedMs: this.#run.now(),
      rungs: rungsOf(ladder),
      workers,
      attempts: [],
      current: { rung: 0, worker: workers[0]! },
      call: undefined,
      pause: undefined,
    };
    this.#open.set(step.id, open);
    if (step.skip === true) {
      const message = `step "${step.id}" was skipped`;
      return this.#degrade(
        open,
        this.#run.failureOf(new TaskFailed({ kind: 'cancelled', message })),
      );
    }
    const known = this.#doomed.get(open.digest);
    if (known !== undefined) return this.#degrade(open, known);
    try {
      fit(schema, input, `input of step "${step.id}"`, 'invalidInput');
    } catch (error) {
      return this.#climb(open, this.#run.failureOf(error));
    }
    this.#attempt(open);
  }

  #attempt(open: Open): void {
    const { step, input, current, rungs, attempts } = open;
    const { team, task, remainingMs } = this.#run;
    const reserve = this.#options.keepsReserve ? 1 : 0;
    const way = (this.#ways.get(step.id) ?? 1) + reserve;
    const leftMs = Math.max(0, remainingMs - marginOf(remainingMs));
    const timeoutMs = Math.min(step.timeoutMs ?? leftMs / way, leftMs);
    // Of a call that is given up all counts as spent: it must leave something for what may follow.
    const waiting = this.#plan.steps.filter(({ id }) => this.statusOf(id) === 'waiting').length;
    const budget = this.#run.share(
      1 + waiting + reserve + Math.max(0, rungs.length - attempts.length),
    );
    const { strategy } = current;
    const context = strategy === undefined ? task.context : { ...task.context, strategy };
    const member = team[memberOf(step.capability, current.worker)]!;
    const spec = { input, ...(context !== undefined && { context }) };
    const call = this.#run.start(member, spec, { timeoutMs, budget });
    this.#open.set(step.id, { ...open, call, pause: undefined });
  }

  #settle(open: Open, outcome: Outcome): void {
    const { step, digest } = open;
    if (outcome.status === 'failed') return this.#climb(open, outcome.failure);
    if (outcome.status === 'cancelled') {
      const { reason: message } = outcome;
      const cancelled = new TaskFailed({ kind: 'cancelled', message });
      return this.#climb(open, this.#run.failureOf(cancelled));
    }
    const place = `output of step "${step.id}"`;
    try {
      const { output: schema } = this.#registry.find(step.capability);
      const output = fit(schema, outcome.output, place, 'invalidOutput');
      fit(step.accept && schemaOf(step.accept), output, place, 'invalidOutput');
      const isPartial = outcome.status === 'partial';
      this.#finish(
        open,
        { ...outcome, output },
        {
          digest,
          output,
          missing: isPartial ? outcome.missing.map((part) => `${step.id}/${part}`) : [],
          failures: isPartial ? outcome.failures : [],
        },
      );
    } catch (error) {
      this.#climb(open, this.#run.failureOf(error));
    }
  }

  /** An attempt has failed: the next rung, or the end of the ladder. */
  #climb(open: Open, failure: Failure): void {
    const { step, rungs, workers, current } = open;
    const attempts = [...open.attempts, { ...current, failure }];
    const next: Open = { ...open, attempts };
    const move = nextMove(rungs, workers, attempts);
    if (move.type === 'degrade') return this.#degrade(open, failure);
    if (move.type === 'end') return this.#fail(next);
    const again: Open = { ...next, current: move.next };
    const { type } = rungs[move.next.rung - 1]!;
    this.#run.decide(`${type} a step`, whyOf(failure), { step: step.id, ...move.next });
    const delayMs = move.next.worker === current.worker ? (failure.retry.afterMs ?? 0) : 0;
    if (delayMs >= this.#run.remainingMs) return this.#fail(next);
    if (delayMs === 0) return this.#attempt(again);
    this.#open.set(step.id, { ...again, pause: this.#run.sleep(delayMs) });
  }

  /** The fallback in place of what failed; the step fails when there is none. */
  #degrade(open: Open, failure: Failure): void {
    const { step, digest, attempts, current } = open;
    const failed: Open = { ...open, attempts: [...attempts, { ...current, failure }] };
    const output = step.fallback && resolve(step.fallback, this.scope);
    if (output === undefined) return this.#fail(failed);
    const { id } = step;
    this.#run.decide('take the fallback of a step', whyOf(failure), { step: id });
    const gaps = { missing: [id], failures: [this.#failureOf(failed)] };
    const outcome = { status: 'partial', taskId: id, spent: {}, output, ...gaps } as const;
    this.#finish(open, outcome, { digest, output, ...gaps });
  }

  #finish(open: Open, outcome: Outcome, finished: Finished): void {
    this.#finished.set(open.step.id, finished);
    this.#close(open, outcome);
  }

  #fail(open: Open): void {
    const failure = this.#failureOf(open);
    const { id } = open.step;
    this.#failed.set(id, failure);
    if (failure.retry.sameInputWillFail) this.#doomed.set(open.digest, failure);
    this.#close(open, { status: 'failed', taskId: id, spent: {}, failure });
    this.#options.onFailure(failure, open.step);
  }

  #close({ step, input, startedMs }: Open, outcome: Outcome): void {
    this.#open.delete(step.id);
    const given: StepInput = { capability: step.capability, input };
    this.#options.onStep({
      name: step.id,
      input: given,
      outcome,
      tookMs: this.#run.now() - startedMs,
    });
  }

  /** The failure of a step: that of its last attempt, with all that was tried and all that hangs on it. */
  #failureOf({ step, attempts, rungs }: Open): Failure {
    const { failure } = attempts.at(-1)!;
    const strategiesOf = (rung: PlanRung): readonly string[] =>
      rung.type === 'strategy' ? [rung.name] : [];
    const tried = attempts.flatMap(({ strategy }) => strategy ?? []);
    const left = rungs.flatMap(strategiesOf).filter((name) => !tried.includes(name));
    const earlier = attempts.slice(0, -1).map((each) => each.failure);
    return {
      ...failure,
      step: step.id,
      attempt: attempts.length,
      attemptsMax: Math.max(
        attempts.length,
        1 + rungs.filter(({ type }) => type !== 'degrade').length,
      ),
      causes: [...failure.causes, ...earlier].slice(0, ACTORS_LIMITS.causesMax),
      retry: {
        ...failure.retry,
        strategiesTried: [...failure.retry.strategiesTried, ...tried],
        strategiesLeft: [...failure.retry.strategiesLeft, ...left],
      },
      blocked: dependentsOf(this.#plan, step.id),
      dependsOn: dependenciesOf(step).map((id) => ({ id, status: this.statusOf(id) })),
    };
  }
}

function keyOf(id: string, digest: string): string {
  return `${id} ${digest}`;
}

function whyOf({ kind, message }: Failure): string {
  return `${kind}: ${message}`;
}

/** What the steps of the outcome say of what went in. */
interface StepInput {
  readonly capability: string;
  readonly input: unknown;
}
