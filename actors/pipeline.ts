/**
 * The pipeline: stages one after the other, the output of one being the input of the next. Input and
 * output of each are kept as the steps of the outcome.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOption, type Wait } from '../runtime/index.ts';
import { checkFunction, checkOptions } from '../runtime/internal.ts';
import { TaskFailed, type Failure } from './failure.ts';
import { marginOf } from './limits.ts';
import { performer } from './performer.ts';
import type { PartialResult, RetryOptions, TaskRun } from './run.ts';
import { fit } from './schema.ts';
import type { Outcome, Performer, PerformerLogic } from './task.ts';

/** What a stage can be told. */
export interface StageOptions<TInput, TOutput> {
  readonly performer: Performer<TInput, TOutput>;
  /** Milliseconds of each attempt; default what the task has left. */
  readonly timeoutMs?: number;
  /** Further attempts; default one attempt. */
  readonly retry?: RetryOptions;
  /** Who does it when the performer, with all attempts, has failed. */
  readonly fallback?: Performer<TInput, TOutput>;
  /**
   * What becomes of the pipeline when the fallback has failed too: it fails, or it goes on with
   * another output, and its outcome is `partial`. Default `'fail'`.
   */
  readonly onFail?: 'fail' | { readonly goOnWith: (input: TInput, failure: Failure) => TOutput };
  /** What must fit before the stage begins. */
  readonly input?: StandardSchemaV1<unknown, TInput>;
  /** What must fit when it has ended. */
  readonly output?: StandardSchemaV1<unknown, TOutput>;
}

const KEYS = ['performer', 'timeoutMs', 'retry', 'fallback', 'onFail', 'input', 'output'];

interface Stage extends StageOptions<unknown, unknown> {
  readonly name: string;
}
type Members = Readonly<Record<string, Performer<unknown, unknown>>>;

/** A pipeline as it is put together: each stage takes what the one before gives. */
export class Pipeline<TInput, TOutput> {
  readonly #name: string;
  readonly #stages: readonly Stage[];

  /** @internal */
  constructor(name: string, stages: readonly Stage[]) {
    this.#name = name;
    this.#stages = stages;
  }

  /** The pipeline with one more stage at its end. Throws `InvalidOption`. */
  stage<TNext>(name: string, options: StageOptions<TOutput, TNext>): Pipeline<TInput, TNext> {
    const field = `stage "${name}"`;
    checkOptions(options, KEYS, field);
    if (this.#stages.some((each) => each.name === name)) {
      const allowed = 'a name that no other stage has';
      throw new InvalidOption({ field: 'stage.name', given: name, allowed });
    }
    const { onFail = 'fail' } = options;
    if (onFail !== 'fail') checkFunction(`${field}.onFail.goOnWith`, onFail.goOnWith);
    const next = { ...options, name } as Stage;
    return new Pipeline(this.#name, [...this.#stages, next]);
  }

  /** The logic of the performer that takes tasks through all stages. Throws `InvalidOption` when there is none. */
  build(): PerformerLogic<TInput, TOutput> {
    const stages = this.#stages;
    if (stages.length === 0)
      throw new InvalidOption({ field: 'pipeline', given: 'no stage', allowed: 'one or more' });
    const team: Record<string, Performer<unknown, unknown>> = {};
    for (const { name, performer: own, fallback } of stages) {
      team[name] = own;
      if (fallback !== undefined) team[`${name}-fallback`] = fallback;
    }
    return performer<TInput, TOutput, Members>(
      this.#name,
      ({ input }, run) => through<TOutput>(stages, input, run as TaskRun<Members>),
      { team },
    );
  }
}

/**
 * Begins a pipeline. A stage without a `timeoutMs` may take an equal part of the time that is left
 * for it and those after it. A failure names its stage, and in `blocked` those that never ran.
 *
 * @example
 * ```ts
 * const desk = pipeline('desk')
 *   .stage('edit', { performer: editor, timeoutMs: 500, retry: { attemptsMax: 2 } })
 *   .stage('check', { performer: editor, onFail: { goOnWith: (text) => text } })
 *   .build();
 * const outcome = await perform(system, desk, { goal: 'tidy up', input: { text: ' hello ' } });
 * ```
 */
export function pipeline(name: string): {
  stage<TInput, TOutput>(
    name: string,
    options: StageOptions<TInput, TOutput>,
  ): Pipeline<TInput, TOutput>;
} {
  return {
    stage: <TInput, TOutput>(first: string, options: StageOptions<TInput, TOutput>) =>
      new Pipeline<TInput, TInput>(name, []).stage(first, options),
  };
}

type Waits<T> = Generator<Wait<unknown>, T, unknown>;

function* through<TOutput>(
  stages: readonly Stage[],
  input: unknown,
  run: TaskRun<Members>,
): Waits<TOutput | PartialResult<TOutput>> {
  let value = input;
  const missing: string[] = [];
  const failures: Failure[] = [];
  for (const [index, stage] of stages.entries()) {
    const startedMs = run.now();
    const blocked = stages.slice(index + 1).map((each) => each.name);
    const { name, onFail = 'fail' } = stage;
    const outcome = yield* attempt(stage, value, blocked.length + 1, run);
    run.record({ name, input: value, outcome, tookMs: run.now() - startedMs });
    if (outcome.status === 'done' || outcome.status === 'partial') value = outcome.output;
    if (outcome.status === 'partial') {
      missing.push(...outcome.missing.map((part) => `${name}/${part}`));
      failures.push(...outcome.failures);
    }
    if (outcome.status === 'cancelled') {
      const message = `stage "${name}" was cancelled: ${outcome.reason}`;
      throw new TaskFailed({ kind: 'cancelled', message, step: name, blocked, partial: value });
    }
    if (outcome.status !== 'failed') continue;
    const { failure } = outcome;
    if (onFail === 'fail') {
      const { kind, retry, effect } = failure;
      const message = `stage "${name}": ${failure.message}`;
      const parts = { kind, message, retry, effect, step: name, blocked, causes: [failure] };
      throw new TaskFailed({ ...parts, partial: value });
    }
    run.decide('go on without a stage', failure.message, { stage: name });
    missing.push(name);
    failures.push(failure);
    value = onFail.goOnWith(value, failure);
  }
  if (missing.length > 0) return run.partial(value as TOutput, { missing, failures });
  return value as TOutput;
}

/** The performer with all its attempts, and then the fallback. */
function* attempt(
  stage: Stage,
  input: unknown,
  stagesLeft: number,
  run: TaskRun<Members>,
): Waits<Outcome> {
  const { name, retry = { attemptsMax: 1 }, fallback } = stage;
  const by = function* (member: string): Waits<Outcome> {
    try {
      const spec = { input: fit(stage.input, input, `input of stage "${name}"`, 'invalidInput') };
      const timeoutMs = sliceOf(stage, stagesLeft, run);
      const outcome = yield* run.perform(run.team[member]!, spec, { timeoutMs, retry });
      if (!('output' in outcome)) return outcome;
      const place = `output of stage "${name}"`;
      return { ...outcome, output: fit(stage.output, outcome.output, place, 'invalidOutput') };
    } catch (error) {
      return { status: 'failed', taskId: run.task.id, spent: {}, failure: run.failureOf(error) };
    }
  };
  const first = yield* by(name);
  if (first.status !== 'failed' || fallback === undefined) return first;
  const { kind, message, retry: advice } = first.failure;
  // What does not fit for one does not fit for the other.
  if (kind === 'invalidInput' && advice.sameInputWillFail) return first;
  run.decide('take the fallback', `${kind}: ${message}`, { stage: name });
  const second = yield* by(`${name}-fallback`);
  if (second.status !== 'failed') return second;
  const causes = [first.failure, ...second.failure.causes];
  return { ...second, failure: { ...second.failure, causes } };
}

/** How long an attempt may take: as it says, or its part of what is left; never so long that nobody could tell of it. */
function sliceOf(
  { timeoutMs }: Stage,
  stagesLeft: number,
  { remainingMs }: TaskRun<Members>,
): number {
  const leftMs = remainingMs - marginOf(remainingMs);
  return Math.max(0, Math.min(timeoutMs ?? leftMs / stagesLeft, leftMs));
}
