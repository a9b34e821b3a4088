/**
 * A model caller: the performer that makes one call of a model per task. Time-outs, cancellation,
 * budgets and further attempts are those of tasks: when the task ends, the request is aborted, and
 * what comes late reaches nobody.
 */
import { TroupeError, type Wait } from '../../runtime/index.ts';
import { TaskFailed } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { performer } from '../performer.ts';
import type { TaskRun } from '../run.ts';
import type { PerformerLogic, Task } from '../task.ts';
import { GEN_AI, type Attributes } from '../tracing/semantics.ts';
import type { Operation } from '../tracing/trace.ts';
import type { LanguageModel, ModelCall, ModelMessage } from './language-model.ts';
import { modelFailure } from './model-failure.ts';
import { collectTurn, turnOf, type ModelTurn } from './turn.ts';

/** How calls of a model are made. */
export interface ModelCallerOptions {
  /** Gets the text as it comes; calls are streamed then. It must not throw. */
  readonly onText?: (delta: string, taskId: string) => void;
  /** Milliseconds without a part of the stream until the call fails; default 30,000. */
  readonly silenceMs?: number;
  /** Calls at a time; default 8. */
  readonly concurrency?: number;
}

/** A stream stood still for too long. */
export class StreamStalled extends TroupeError {
  readonly code = 'STREAM_STALLED';

  constructor(silenceMs: number) {
    super(`the model's stream stood still for ${silenceMs} ms`, { silenceMs });
  }
}

/**
 * Makes a performer of a model: the input is a call, the output what it came to. It reserves
 * `tokens` of the budget before the call, the prompt by estimate and all of `maxOutputTokens`, and
 * settles them by what the model says it used.
 */
export function modelCaller(
  model: LanguageModel,
  options: ModelCallerOptions = {},
): PerformerLogic<ModelCall, ModelTurn> {
  const { concurrency } = options;
  return performer(
    `model ${model.modelId}`,
    function* ({ id, input }: Task<ModelCall>, run): Generator<Wait<unknown>, ModelTurn, unknown> {
      const { maxOutputTokens = ACTORS_LIMITS.outputTokensMax } = input;
      const estimate = tokensOf(input.prompt);
      const reserved = run.reserve({ tokens: costOf(input) });
      const call = { ...input, maxOutputTokens };
      try {
        const said = run.effect(
          `model/${model.modelId}`,
          (signal) => speak(model, call, run, id, options, signal),
          input,
        );
        const turn = yield* run.operation(chatWith(model, maxOutputTokens), waitFor(said), toldOf);
        const { inputTokens = estimate, outputTokens = maxOutputTokens } = turn.usage;
        reserved.settle({ tokens: inputTokens + outputTokens });
        return turn;
      } catch (error) {
        // What is refused before a word is said costs nothing; of a cut answer nobody knows.
        const failure = modelFailure(error);
        if (failure === undefined) throw error;
        const { statusCode } = error as { readonly statusCode?: number };
        if (statusCode !== undefined && statusCode !== 200) reserved.settle({});
        throw new TaskFailed(failure, { cause: error });
      }
    },
    concurrency === undefined ? {} : { concurrency },
  );
}

function* waitFor<T>(wait: Wait<T>): Generator<Wait<unknown>, T, unknown> {
  return yield* wait;
}

function chatWith({ provider, modelId }: LanguageModel, maxOutputTokens: number): Operation {
  const attributes = {
    [GEN_AI.provider]: provider,
    [GEN_AI.requestModel]: modelId,
    [GEN_AI.maxTokens]: maxOutputTokens,
  };
  return { name: 'chat', subject: modelId, attributes };
}

function toldOf({ finish, usage: { inputTokens, outputTokens } }: ModelTurn): Attributes {
  return {
    [GEN_AI.finishReasons]: [finish],
    ...(inputTokens !== undefined && { [GEN_AI.inputTokens]: inputTokens }),
    ...(outputTokens !== undefined && { [GEN_AI.outputTokens]: outputTokens }),
  };
}

async function speak(
  model: LanguageModel,
  call: ModelCall,
  run: TaskRun,
  taskId: string,
  { onText, silenceMs = ACTORS_LIMITS.streamSilenceMs }: ModelCallerOptions,
  signal: AbortSignal,
): Promise<ModelTurn> {
  if (onText === undefined) return turnOf(await model.doGenerate({ ...call, abortSignal: signal }));
  // A signal of its own: a stream that stands still is aborted while the run goes on.
  const abort = new AbortController();
  const pass = (): void => abort.abort(signal.reason);
  signal.addEventListener('abort', pass, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      let parts = 0;
      const watch = (): void => {
        const seen = parts;
        void run.sleep(silenceMs).then(() => {
          if (abort.signal.aborted) return;
          if (parts > seen) {
            watch();
            return;
          }
          const stalled = new StreamStalled(silenceMs);
          reject(stalled);
          abort.abort(stalled);
        });
      };
      watch();
      Promise.resolve(model.doStream({ ...call, abortSignal: abort.signal }))
        .then(({ stream }) =>
          collectTurn(
            stream,
            (delta) => onText(delta, taskId),
            () => (parts += 1),
          ),
        )
        .then(resolve, reject);
    });
  } finally {
    signal.removeEventListener('abort', pass);
    abort.abort();
  }
}

/** The tokens that a call can cost at most, the prompt by estimate. */
export function costOf({ prompt, maxOutputTokens }: ModelCall): number {
  return tokensOf(prompt) + (maxOutputTokens ?? ACTORS_LIMITS.outputTokensMax);
}

/** The tokens of messages, by estimate. */
export function tokensOf(prompt: readonly ModelMessage[]): number {
  return Math.ceil(JSON.stringify(prompt).length / ACTORS_LIMITS.charsPerToken);
}
