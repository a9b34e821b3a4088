/**
 * A model agent: a performer whose work a language model steers. The loop is ours, so that guard,
 * budget, deadline and cancellation stand between what the model says and what happens.
 *
 *     prompt -> turn -> text: the output
 *       ^        \ tool calls: checked, done, told
 *       \_________/
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Wait } from '../../runtime/index.ts';
import { checkMethods, checkOptions } from '../../runtime/internal.ts';
import { digestOf } from '../digest.ts';
import { TaskFailed, failureOf, messageOf } from '../failure.ts';
import { ACTORS_LIMITS } from '../limits.ts';
import { performer } from '../performer.ts';
import { isGenerator, type PartialResult, type RetryOptions, type TaskRun } from '../run.ts';
import { fit } from '../schema.ts';
import { bare, withhold, type Classification } from '../state/label.ts';
import type { PerformerLogic, PerformerName, PerformerRef, Task } from '../task.ts';
import { GEN_AI, OPERATION } from '../tracing/semantics.ts';
import type {
  JsonValue,
  LanguageModel,
  ModelCall,
  ModelMessage,
  ToolCallPart,
  ToolResultPart,
} from './language-model.ts';
import { costOf, modelCaller, type ModelCallerOptions } from './model-caller.ts';
import { declarationsOf, type Tools } from './tool.ts';
import type { ModelTurn, WantedCall } from './turn.ts';
import type { Window } from './window.ts';

/** What a model agent is made of. */
export interface ModelAgentOptions<TInput, TOutput> extends ModelCallerOptions {
  readonly model: LanguageModel;
  /** What the agent is for and how it works: the system's part of the prompt. */
  readonly instructions: string;
  /** The first message; default: the goal, and the input as JSON. */
  readonly prompt?: (task: Task<TInput>) => string;
  readonly tools?: Tools;
  /** The input of a task must fit. */
  readonly input?: StandardSchemaV1<unknown, TInput>;
  /** The last answer must be JSON that fits; without it the output is the text. */
  readonly output?: StandardSchemaV1<unknown, TOutput>;
  /**
   * The model may be told data labelled up to this; default `internal`. A task that holds more is
   * refused with `guardDenied`; of what a tool gives it is withheld.
   */
  readonly clearance?: Classification;
  /** What the model still sees of a long conversation; default all of it. */
  readonly window?: Window;
  /** Calls of the model for one task; default 20. One more ends it with what there is. */
  readonly turnsMax?: number;
  /** Tokens of one answer; default 1,024. Reserved of the budget's `tokens` before each call. */
  readonly maxOutputTokens?: number;
  /** Milliseconds of one call of the model; default 60,000, and at most what the task has. */
  readonly callTimeoutMs?: number;
  /** The one layer of further attempts at a call; default three with a growing delay. */
  readonly retry?: RetryOptions;
}

const KEYS: Record<keyof ModelAgentOptions<never, never>, true> = {
  model: true,
  instructions: true,
  prompt: true,
  tools: true,
  input: true,
  output: true,
  clearance: true,
  window: true,
  turnsMax: true,
  maxOutputTokens: true,
  callTimeoutMs: true,
  retry: true,
  onText: true,
  silenceMs: true,
  concurrency: true,
};

const CLEARANCE: Classification = 'internal';
const RETRY: RetryOptions = { attemptsMax: 3, backoff: { minMs: 500, maxMs: 8_000 } };

type Waits<T> = Generator<Wait<unknown>, T, unknown>;
type Caller = PerformerRef<ModelCall, ModelTurn> | PerformerName<ModelCall, ModelTurn>;

/**
 * Makes the logic of a model agent.
 *
 * A tool that does not exist, arguments that do not fit, a tool that fails and an answer that is not
 * what `output` wants are told to the model, `repairsMax` times per task; then the task fails with
 * `invalidOutput`. The same call with the same result again and again is `loopDetected`; a refusal
 * is `modelRefusal`; an answer that was cut, or no end within `turnsMax`, is a partial outcome.
 * Throws `InvalidOption`.
 *
 * @example
 * ```ts
 * import { modelAgent, scripted, tool } from 'troupe/actors';
 * import { z } from 'zod';
 *
 * const clerk = modelAgent('clerk', {
 *   model: scripted([{ toolCalls: [{ name: 'add', input: { a: 2, b: 3 } }] }, 'It is 5.']),
 *   instructions: 'You add numbers.',
 *   tools: {
 *     add: tool({
 *       description: 'adds two numbers',
 *       input: z.object({ a: z.number(), b: z.number() }),
 *       call: ({ a, b }) => a + b,
 *     }),
 *   },
 * });
 * ```
 */
export function modelAgent<TInput = unknown, TOutput = string>(
  name: string,
  options: ModelAgentOptions<TInput, TOutput>,
): PerformerLogic<TInput, TOutput> {
  checkOptions(options, Object.keys(KEYS), 'modelAgent');
  checkMethods('modelAgent.model', options.model, ['doGenerate', 'doStream']);
  const { model, tools = {}, input, concurrency, clearance = CLEARANCE } = options;
  const declared = declarationsOf(tools);
  const { onText, silenceMs } = options;
  const caller = modelCaller(model, {
    ...(onText !== undefined && { onText }),
    ...(silenceMs !== undefined && { silenceMs }),
    ...(concurrency !== undefined && { concurrency }),
  });
  return performer(
    name,
    (task: Task<TInput>, run) =>
      new Conversation(name, options, tools, declared, task, run, run.team.model).toItsEnd(),
    {
      team: { model: caller },
      ...(input !== undefined && { input }),
      clearance,
      ...(concurrency !== undefined && { concurrency }),
    },
  );
}

/** The talk with the model about one task. */
class Conversation<TInput, TOutput> {
  readonly #name: string;
  readonly #options: ModelAgentOptions<TInput, TOutput>;
  readonly #tools: Tools;
  readonly #call: Omit<ModelCall, 'prompt'>;
  readonly #task: Task<TInput>;
  readonly #run: TaskRun;
  readonly #caller: Caller;
  #messages: ModelMessage[];
  /** How often the same call has had the same result. */
  readonly #repeats = new Map<string, number>();
  #repairs = 0;
  #lastText = '';

  constructor(
    name: string,
    options: ModelAgentOptions<TInput, TOutput>,
    tools: Tools,
    declared: NonNullable<ModelCall['tools']>,
    task: Task<TInput>,
    run: TaskRun,
    caller: Caller,
  ) {
    const { instructions, prompt = promptOf, maxOutputTokens } = options;
    this.#name = name;
    this.#options = options;
    this.#tools = tools;
    this.#call = {
      maxOutputTokens: maxOutputTokens ?? ACTORS_LIMITS.outputTokensMax,
      ...(declared.length > 0 && { tools: declared }),
    };
    this.#task = task;
    this.#run = run;
    this.#caller = caller;
    this.#messages = [
      { role: 'system', content: instructions },
      {
        role: 'user',
        content: [{ type: 'text', text: prompt({ ...task, input: bare(task.input) as TInput }) }],
      },
    ];
  }

  *toItsEnd(): Waits<TOutput | PartialResult<TOutput>> {
    const { turnsMax = ACTORS_LIMITS.modelTurnsMax } = this.#options;
    for (let turn = 1; turn <= turnsMax; turn += 1) {
      const said = yield* this.#nextTurn();
      if (said.text !== '') this.#lastText = said.text;
      if (said.finish === 'content-filter') {
        throw new TaskFailed({
          kind: 'modelRefusal',
          message: said.text || 'the model does not answer this',
          effect: 'none',
        });
      }
      if (said.toolCalls.length > 0) {
        const ended = yield* this.#useTools(said);
        if (ended !== undefined) return ended.output;
      } else if (said.finish === 'length') return this.#cut('the end of the answer');
      else {
        const output = this.#outputOf(said.text);
        if (output !== undefined) return output.value;
      }
    }
    return this.#cut(`an end within ${turnsMax} turns`);
  }

  *#nextTurn(): Waits<ModelTurn> {
    const { retry = RETRY, callTimeoutMs: timeoutMs = ACTORS_LIMITS.modelCallMs } = this.#options;
    const { window } = this.#options;
    if (window !== undefined) this.#messages = [...(yield* window(this.#messages, this.#run))];
    const input: ModelCall = { ...this.#call, prompt: [...this.#messages] };
    // Of a call that is given up nobody knows what it used: so much, and no more, counts as spent.
    const budget = { calls: 0, tokens: costOf(input) };
    const options = { timeoutMs, retry, budget };
    const outcome = yield* this.#run.perform(this.#caller, { input }, options);
    // What the provider says is the failure of this task; there is nothing between the two to tell of.
    if (outcome.status !== 'failed') return this.#run.need(outcome);
    const { kind, message, code, retry: advice, effect, causes } = outcome.failure;
    throw new TaskFailed({
      kind,
      message,
      ...(code !== undefined && { code }),
      retry: advice,
      effect,
      causes,
    });
  }

  /**
   * Checks all calls before any of them runs, does them in order, and tells the results: one for each
   * call. Of those that end the conversation the first does, when all others are done.
   */
  *#useTools({ text, toolCalls }: ModelTurn): Waits<{ readonly output: TOutput } | undefined> {
    const checked = toolCalls.map((call) => ({ call, ...this.#check(call) }));
    const last = checked.find(
      ({ call, problem }) => problem === undefined && this.#tools[call.name]?.end !== undefined,
    );
    const results: ToolResultPart[] = [];
    for (const { call, problem, args } of checked) {
      const isEnd = problem === undefined && this.#tools[call.name]?.end !== undefined;
      const output = isEnd
        ? endResult(call, last!.call)
        : problem === undefined
          ? yield* this.#use(call, args)
          : this.#repair(problem);
      if (!isEnd) this.#countRepeat(call, output);
      results.push({ type: 'tool-result', toolCallId: call.id, toolName: call.name, output });
    }
    const calls = toolCalls.map(partOf);
    const texts = text === '' ? [] : [{ type: 'text' as const, text }];
    this.#messages.push({ role: 'assistant', content: [...texts, ...calls] });
    this.#messages.push({ role: 'tool', content: results });
    if (last === undefined) return undefined;
    // The instructions and the prompt are this agent's own.
    const said = this.#messages.slice(2);
    return { output: this.#tools[last.call.name]!.end!(last.args, said) as TOutput };
  }

  #check({ name, input, isBroken, text }: WantedCall): { problem?: string; args?: unknown } {
    const known = Object.keys(this.#tools);
    if (!Object.hasOwn(this.#tools, name)) {
      return { problem: `there is no tool ${name}; there are: ${known.join(', ') || 'none'}` };
    }
    if (isBroken) return { problem: `the arguments of ${name} are no JSON: ${text.slice(0, 200)}` };
    try {
      return { args: fit(this.#tools[name]?.input, input, `arguments of ${name}`, 'invalidInput') };
    } catch (error) {
      return { problem: messageOf(error) };
    }
  }

  *#use({ id, name }: WantedCall, args: unknown): Waits<ToolResultPart['output']> {
    const startedMs = this.#run.now();
    const attributes = { [GEN_AI.tool]: name, [GEN_AI.toolCall]: id };
    const operation = { name: OPERATION.tool, subject: name, attributes };
    try {
      const value = yield* this.#run.operation(operation, this.#called(name, args));
      this.#run.record({
        name,
        input: args,
        outcome: this.#doneWith(value),
        tookMs: this.#run.now() - startedMs,
      });
      return { type: 'json', value: jsonOf(withhold(value, this.#options.clearance ?? CLEARANCE)) };
    } catch (error) {
      const { task, run } = { task: this.#task, run: this.#run };
      const agent = `${this.#name}.${name}`;
      const resources = { deadlineMs: run.remainingMs, budget: run.left, hops: run.hops };
      const failure = failureOf(error, { task, agent, atMs: run.now(), resources });
      if (ENDS_THE_TASK.includes(failure.kind)) throw error;
      run.decide(`tool ${name} failed`, failure.message, { kind: failure.kind });
      return { type: 'error-text', value: `${failure.kind}: ${failure.message}` };
    }
  }

  *#called(name: string, args: unknown): Waits<unknown> {
    const result: unknown = this.#tools[name]?.call(args, this.#run);
    return isGenerator(result) ? yield* result : result;
  }

  #doneWith(output: unknown) {
    return { status: 'done', taskId: this.#task.id, spent: {}, output } as const;
  }

  /** Tells the model what was wrong; throws once it has been told often enough. */
  #repair(problem: string): { readonly type: 'error-text'; readonly value: string } {
    this.#repairs += 1;
    if (this.#repairs > ACTORS_LIMITS.repairsMax) {
      const message = `the model does not get it right, told ${ACTORS_LIMITS.repairsMax} times: ${problem}`;
      throw new TaskFailed({
        kind: 'invalidOutput',
        message,
        effect: 'none',
        partial: this.#lastText,
      });
    }
    return { type: 'error-text', value: problem };
  }

  #countRepeat({ name, text }: WantedCall, output: ToolResultPart['output']): void {
    const key = digestOf([name, text, output]);
    const count = (this.#repeats.get(key) ?? 0) + 1;
    this.#repeats.set(key, count);
    if (count < ACTORS_LIMITS.sameToolCallsMax) return;
    const message = `the model called ${name} ${count} times with the same arguments and the same result`;
    throw new TaskFailed({ kind: 'loopDetected', message, partial: this.#lastText });
  }

  #outputOf(text: string): { readonly value: TOutput } | undefined {
    const { output } = this.#options;
    if (output === undefined) return { value: text as TOutput };
    let problem: string;
    try {
      return { value: fit(output, JSON.parse(text), 'the answer', 'invalidOutput') };
    } catch (error) {
      problem = error instanceof SyntaxError ? 'the answer is no JSON' : messageOf(error);
    }
    const { value } = this.#repair(problem);
    this.#messages.push({ role: 'assistant', content: [{ type: 'text', text }] });
    this.#messages.push({ role: 'user', content: [{ type: 'text', text: value }] });
    return undefined;
  }

  /** What there is when the model did not come to an end: a partial result, or a failure when there is nothing. */
  #cut(missing: string): PartialResult<TOutput> {
    if (this.#options.output === undefined && this.#lastText !== '') {
      return this.#run.partial(this.#lastText as TOutput, { missing: [missing] });
    }
    const message = `the model gave no result: missing ${missing}`;
    throw new TaskFailed({ kind: 'budgetExceeded', message, partial: this.#lastText });
  }
}

/** No answer to the model can help: the limits are those of the task itself. */
const ENDS_THE_TASK = ['budgetExceeded', 'hopLimit', 'loopDetected', 'cancelled', 'deadlock'];

/** What the model is told of a call that ends the conversation, and of one too many. */
function endResult(call: WantedCall, taken: WantedCall): ToolResultPart['output'] {
  if (call === taken) return { type: 'json', value: 'done' };
  const value = `not done: ${taken.name} was taken, and one answer ends the conversation once`;
  return { type: 'error-text', value };
}

function promptOf({ goal, input }: Task): string {
  return input === undefined ? goal : `${goal}\n\n${JSON.stringify(input)}`;
}

function partOf({ id, name, input, text }: WantedCall): ToolCallPart {
  return { type: 'tool-call', toolCallId: id, toolName: name, input: input ?? text };
}

/** A result as the model reads it: what JSON cannot say is left out, nothing becomes null. */
function jsonOf(value: unknown): JsonValue {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as JsonValue);
}
