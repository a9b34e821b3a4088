/**
 * The overseer: a queue of tasks, a pool of supervised workers, and a ladder that says what is tried
 * after a failure. Each task is worked on by a run of its own, which asks the desk what to do next
 * and does that; so budget, deadline and hops are those of the task, and a desk that is killed takes
 * no work with it.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOption, agentName, type Wait } from '../../runtime/index.ts';
import { checkId, checkOptions } from '../../runtime/internal.ts';
import type { Attempt } from '../board.ts';
import { digestOf } from '../digest.ts';
import { TaskFailed, type Failure } from '../failure.ts';
import type { JournalStore } from '../journal-store.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { performer } from '../performer.ts';
import { asResult, askAgain, type PartialResult, type TaskRun } from '../run.ts';
import type { Outcome, Performer, PerformerLogic, Task } from '../task.ts';
import type { BreakerOptions } from './breaker.ts';
import { crew, type Crew, type CrewRef } from './crew.ts';
import type { Turn } from './desk.ts';
import { isAttempt, rung, stepsOf, type LadderStep, type Rung } from './ladder.ts';

/** What an overseer can be told. */
export interface OverseerOptions<TInput, TOutput> {
  /** By name. Those given as logics start with it and are started again; others are used where they are. */
  readonly workers: Readonly<Record<string, Performer<TInput, TOutput>>>;
  /** What is tried after a failure, in order; default a retry, then another worker. */
  readonly ladder?: readonly Rung<TInput, TOutput>[];
  /** Milliseconds of each attempt; default 30,000. */
  readonly attemptMs?: number;
  /** Tasks that each worker has at a time; default 1. */
  readonly perWorker?: number;
  /** Tasks in the queue and at the workers; default 1,000. More wait in the mailbox. */
  readonly queueCapacity?: number;
  /** Restarts of each worker within `periodMs`; one more, and it is given up. Default 1. */
  readonly intensity?: number;
  /** Default 5,000. */
  readonly periodMs?: number;
  readonly breaker?: Partial<BreakerOptions>;
  /** Where its journal is kept. Default: in memory, for as long as the overseer lives. */
  readonly store?: JournalStore;
  /** Names its journal in the store. Default: its path. */
  readonly key?: string;
  readonly input?: StandardSchemaV1<unknown, TInput>;
  readonly output?: StandardSchemaV1<unknown, TOutput>;
}

const KEYS = [
  'workers',
  'ladder',
  'attemptMs',
  'perWorker',
  'queueCapacity',
  'intensity',
  'periodMs',
  'breaker',
  'store',
  'key',
  'input',
  'output',
];

/** What a worker is told beside its input; see {@link assignmentOf}. */
export interface Assignment {
  /** Counts from 1. */
  readonly attempt: number;
  /** Set by `rung.strategy`; undefined for the worker's own way. */
  readonly strategy?: string;
  /** What was tried before, with its failures. */
  readonly attempts: readonly Attempt[];
  /** The same for all attempts at one task: what is done once under it is not done twice. */
  readonly idempotencyKey: string;
}

/** The assignment that a task came with; for a task from anybody else, that of a first attempt. */
export function assignmentOf({ id, context }: Task): Assignment {
  const first = { attempt: 1, attempts: [], idempotencyKey: id };
  return (context?.['assignment'] as Assignment | undefined) ?? first;
}

/**
 * Makes the logic of a performer that has each task done by one of its workers, and goes up the
 * ladder when that fails. To give it a task again under the same id is safe: work that has ended is
 * answered from the journal, and work that is under way is waited for.
 *
 * @example
 * ```ts
 * import { overseer, rung } from 'troupe/actors';
 *
 * const desk = overseer('desk', {
 *   workers: { ada: editor, ben: editor },
 *   ladder: [rung.retry(2), rung.reassign(), rung.degrade((input) => input)],
 * });
 * const outcome = await perform(system, desk, { goal: 'tidy up', input: { text: ' hello ' } });
 * ```
 *
 * Throws `InvalidOption`.
 */
export function overseer<TInput, TOutput>(
  name: string,
  options: OverseerOptions<TInput, TOutput>,
): PerformerLogic<TInput, TOutput> {
  checkOptions(options, KEYS, 'overseer');
  const { attemptMs, perWorker, queueCapacity, breaker } = checked(options);
  const { workers, ladder = [rung.retry(), rung.reassign()], input, output } = options;
  const { intensity = 1, periodMs = 5_000, store, key } = options;
  const steps = stepsOf<TInput, TOutput>(ladder);
  const plan = { workers: Object.keys(workers), perWorker, steps, attemptMs, breaker };
  const logic = crew({
    ...plan,
    members: workers,
    intensity,
    periodMs,
    store,
    key,
  });
  const oversee = (task: Task<TInput>, run: TaskRun): Waits<TOutput | PartialResult<TOutput>> =>
    new Oversight(task, run, steps, attemptMs).result();
  return performer<TInput, TOutput, { crew: typeof logic }>(name, oversee, {
    team: { crew: logic },
    concurrency: queueCapacity,
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
  });
}

function checked<TInput, TOutput>(options: OverseerOptions<TInput, TOutput>) {
  const { attemptMs = ACTORS_LIMITS.attemptMs, perWorker = 1, breaker = {} } = options;
  const { queueCapacity = ACTORS_LIMITS.queueCapacity } = options;
  checkOptions(breaker, ['failuresMax', 'openMs'], 'overseer.breaker');
  const { failuresMax = ACTORS_LIMITS.breakerFailuresMax, openMs = ACTORS_LIMITS.breakerOpenMs } =
    breaker;
  const names = Object.keys(options.workers ?? {});
  for (const id of names) checkId(id, `overseer.workers.${id}`);
  if (names.length === 0 || names.includes('desk')) {
    const allowed = 'one or more, none of them called "desk"';
    throw new InvalidOption({ field: 'overseer.workers', given: names, allowed });
  }
  const numbers = { attemptMs, perWorker, queueCapacity, failuresMax, openMs };
  for (const [field, given] of Object.entries(numbers))
    if (!(typeof given === 'number' && given > 0))
      throw new InvalidOption({ field: `overseer.${field}`, given, allowed: 'a number > 0' });
  return { attemptMs, perWorker, queueCapacity, breaker: { failuresMax, openMs } };
}

type Waits<T> = Generator<Wait<unknown>, T, unknown>;
type Result = { readonly token: number; readonly outcome: Outcome };

/** The work of one run: it does what the desk says until the desk says how it has ended. */
class Oversight<TInput, TOutput> {
  readonly #task: Task<TInput>;
  readonly #run: TaskRun;
  readonly #steps: readonly LadderStep<TInput, TOutput>[];
  readonly #attemptMs: number;
  #crew: Crew | undefined;

  constructor(
    task: Task<TInput>,
    run: TaskRun,
    steps: readonly LadderStep<TInput, TOutput>[],
    attemptMs: number,
  ) {
    this.#task = task;
    this.#run = run;
    this.#steps = steps;
    this.#attemptMs = attemptMs;
  }

  *result(): Waits<TOutput | PartialResult<TOutput>> {
    const { id, input } = this.#task;
    const digest = digestOf(input);
    const { ctx } = this.#run;
    const members = agentName<CrewRef>(`${ctx.parent!.path}/team/crew`);
    this.#crew = yield* ctx.ask(members, { type: 'who' });
    let result: Result | undefined;
    for (;;) {
      const turn = yield* this.#next(digest, result);
      if (turn.type === 'ended') return asResult(turn.outcome as Outcome<TOutput>);
      if (turn.type === 'refused') {
        const message = `task ${id} was accepted with another input before`;
        throw new TaskFailed({ kind: 'invalidInput', message, effect: 'none' });
      }
      const { lease, why } = turn;
      const step = this.#steps[lease.step!]!;
      const startedMs = this.#run.now();
      const who = lease.worker ?? step.type;
      this.#run.decide(who, why, { strategy: lease.strategy, token: lease.token });
      const outcome = yield* this.#take(step, turn);
      const name = lease.strategy === undefined ? who : `${who}, ${lease.strategy}`;
      this.#run.record({ name, input, outcome, tookMs: this.#run.now() - startedMs });
      result = { token: lease.token, outcome };
    }
  }

  *#next(digest: string, result: Result | undefined): Waits<Turn> {
    const { ctx } = this.#run;
    const ask = { type: 'next', id: this.#task.id, digest, by: ctx.self } as const;
    const request = result === undefined ? ask : { ...ask, result };
    return yield* askAgain(() =>
      ctx.ask(this.#crew!.desk, request, { timeoutMs: this.#run.remainingMs }),
    );
  }

  *#take(
    step: LadderStep<TInput, TOutput>,
    { lease, attempts }: Extract<Turn, { readonly type: 'lease' }>,
  ): Waits<Outcome> {
    const run = this.#run;
    const { id, input, context } = this.#task;
    const failures = attempts.flatMap(({ failure }) => failure ?? []);
    const ended = { taskId: id, spent: run.spent };
    switch (step.type) {
      case 'degrade': {
        try {
          const output = step.to(input, attempts);
          return { status: 'partial', output, missing: [id], failures, ...ended };
        } catch (error) {
          return { status: 'failed', failure: run.failureOf(error), ...ended };
        }
      }
      case 'escalate': {
        const outcome = yield* run.perform(step.to, { input: { input, attempts } });
        return failedUnlessDone(outcome, run);
      }
      case 'giveUp':
        return { status: 'failed', failure: run.failureOf(gaveUp(failures, attempts)), ...ended };
      default: {
        const { worker, strategy, token } = lease;
        const assignment: Assignment = {
          attempt: attempts.length + 1,
          attempts,
          idempotencyKey: id,
          ...(strategy === undefined ? {} : { strategy }),
        };
        const spec = { id: `${id}.${token}`, input, context: { ...context, assignment } };
        // What an attempt that is lost was granted is spent: it must leave something for the others.
        const budget = run.share(this.#steps.slice(lease.step).filter(isAttempt).length);
        const who = this.#crew!.workers[worker!] as Performer<TInput, TOutput>;
        const timeoutMs = this.#attemptMs;
        const outcome = yield* run.perform(who, spec, { timeoutMs, budget });
        return failedUnlessDone(outcome, run);
      }
    }
  }
}

/** A worker that gives up what nobody has called off has failed. */
function failedUnlessDone(outcome: Outcome, run: TaskRun): Outcome {
  if (outcome.status !== 'cancelled') return outcome;
  const { taskId, spent, reason: message } = outcome;
  const failure = run.failureOf(new TaskFailed({ kind: 'cancelled', message }));
  return { status: 'failed', taskId, spent, failure };
}

function gaveUp(failures: readonly Failure[], attempts: readonly Attempt[]): TaskFailed {
  const last = failures.at(-1)!;
  const strategiesTried = [...new Set(attempts.flatMap(({ strategy }) => strategy ?? []))];
  return new TaskFailed({
    kind: last.kind,
    message: `${failures.length} attempts failed, the last one: ${last.message}`,
    effect: last.effect,
    retry: { ...last.retry, strategiesTried },
    causes: failures,
  });
}
