/**
 * Tools: what a model may use. A tool checks its arguments by a schema and then does something in
 * the run of the agent: compute, give a task to another performer, or ask a guard for an effect.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOption } from '../../runtime/index.ts';
import { TaskFailed } from '../failure.ts';
import type { GuardedAction, Verdict } from '../guard/guarded-action.ts';
import type { TaskRun } from '../run.ts';
import { jsonSchemaOf } from '../schema.ts';
import type { Performer } from '../task.ts';
import type { ModelMessage, ToolDeclaration } from './language-model.ts';

/** One tool. What `call` throws goes back to the model in words, but for budgets and deadlines, which end the task. */
export interface Tool<TArgs = unknown> {
  readonly description: string;
  readonly input: StandardSchemaV1<unknown, TArgs>;
  /** The arguments as JSON Schema; needed only where the schema's library cannot say it. */
  readonly inputSchema?: Readonly<Record<string, unknown>>;
  /** Gives what the model is told: a value that JSON can say, or a generator that waits for one. */
  call(args: TArgs, run: TaskRun): unknown;
  /**
   * Instead of `call`, for a tool that ends the model's part: the output of the agent. It is taken
   * after all other tools of the answer, and once; `messages` is what was said after the prompt,
   * each call with its result.
   */
  end?(args: TArgs, messages: readonly ModelMessage[]): unknown;
}

// oxlint-disable-next-line typescript/no-explicit-any -- each tool has arguments of its own
export type Tools = Readonly<Record<string, Tool<any>>>;

/** Gives the arguments of `call` the type of the schema. */
export function tool<TArgs>(parts: Tool<TArgs>): Tool<TArgs> {
  return parts;
}

/**
 * A tool that gives a task to a performer. It takes the budget, the deadline and the hops of the
 * run that uses it: agents that use each other as tools stop at the first limit.
 */
export function performerTool<TInput, TOutput>(
  performer: Performer<TInput, TOutput>,
  parts: Pick<Tool<TInput>, 'description' | 'input' | 'inputSchema'>,
): Tool<TInput> {
  return {
    ...parts,
    *call(input, run) {
      return run.need(yield* run.perform(performer, { input }));
    },
  };
}

/** A guard, as its tools ask it. */
interface GuardRef {
  readonly address: string;
}

/**
 * The actions of a guard as tools, by their names: each use is a request to the guard, which decides.
 * What it refuses, the model is told with the reason.
 */
export function guardedTools(
  guard: GuardRef,
  actions: Readonly<Record<string, Pick<GuardedAction<never, unknown, unknown>, 'args'>>>,
  descriptions: Readonly<Record<string, string>> = {},
): Tools {
  return Object.fromEntries(
    Object.entries(actions).map(([name, { args: input }]) => [
      name,
      tool<unknown>({
        description: descriptions[name] ?? name,
        input,
        *call(args, { ctx, remainingMs: timeoutMs }) {
          const type = `perform.${name}`;
          // The guard outlives the run: what it began is its own to finish.
          const request = { type, args };
          return resultOf(
            (yield* ctx.ask(guard as never, request as never, { timeoutMs })) as Verdict,
          );
        },
      }),
    ]),
  );
}

function resultOf(verdict: Verdict): unknown {
  switch (verdict.ruling) {
    case 'performed':
      return verdict.result;
    case 'denied':
      throw new TaskFailed({
        kind: 'guardDenied',
        message: `denied: ${verdict.reason}`,
        effect: 'none',
      });
    case 'rejected': {
      const message = `rejected by the approver: ${verdict.reason}`;
      throw new TaskFailed({ kind: 'approvalRejected', message, effect: 'none' });
    }
    case 'expired': {
      const message = `nobody approved it in time: ${verdict.reason}`;
      throw new TaskFailed({ kind: 'approvalExpired', message, effect: 'none' });
    }
    case 'invalid':
      throw new TaskFailed({ kind: 'invalidInput', message: verdict.reason, effect: 'none' });
    case 'failed':
      throw new TaskFailed({ kind: 'toolError', message: verdict.reason, effect: verdict.effect });
  }
}

/** What a model is told of tools. Throws `InvalidOption` for a schema that cannot be told as JSON Schema. */
export function declarationsOf(tools: Tools): ToolDeclaration[] {
  return Object.entries(tools).map(([name, { description, input, inputSchema }]) => {
    const schema = inputSchema ?? jsonSchemaOf(input);
    if (schema !== undefined)
      return { type: 'function', name, description, inputSchema: { ...schema } };
    const given = `a schema of ${input['~standard'].vendor}, which does not say its JSON Schema`;
    const allowed = 'one that does, or inputSchema beside it';
    throw new InvalidOption({ field: `tools.${name}.input`, given, allowed });
  });
}
