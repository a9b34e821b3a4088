/**
 * The router: it takes a request apart into tasks for capabilities, gives each to the least loaded
 * worker that has the capability, and has one answer put together. It does no task itself; who asks
 * sees nobody else.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOption, agentName, type Wait } from '../runtime/index.ts';
import { checkOptions, nameOf } from '../runtime/internal.ts';
import { TaskFailed, type Failure } from './failure.ts';
import { gather, type Branch, type Slot } from './join.ts';
import { loads, type LoadsRef } from './loads.ts';
import { performer } from './performer.ts';
import { schemaOf } from './planner/json-shape.ts';
import {
  Registry,
  memberOf,
  type Capabilities,
  type Capability,
  type CapabilityNote,
} from './registry.ts';
import { isLogic, type PartialResult, type TaskRun } from './run.ts';
import { fit } from './schema.ts';
import type { AnyPerformer, Performer, PerformerLogic } from './task.ts';

/** One task of a request. */
export interface RoutedTask {
  /** Tells it apart from the other tasks of its request. */
  readonly id: string;
  readonly capability: string;
  readonly input: unknown;
}

/** What a decomposer gets: a request, and what can be asked for. */
export interface Decomposition<TInput> {
  readonly request: TInput;
  readonly capabilities: readonly CapabilityNote[];
}

/** What an assembler gets: the request, its tasks, and what became of each, in the same order. */
export interface Assembly<TInput> {
  readonly request: TInput;
  readonly tasks: readonly RoutedTask[];
  readonly slots: readonly Slot<unknown>[];
}

/** What a router can be told. */
export interface RouterOptions<TInput, TOutput> {
  readonly registry: Registry<Capabilities>;
  /** Takes the request apart; a `modelAgent` with `output: routedTasks` will do. */
  readonly decompose: Performer<Decomposition<TInput>, readonly RoutedTask[]>;
  /** Puts the answer together, also when something is missing. */
  readonly assemble: Performer<Assembly<TInput>, TOutput>;
  /** Milliseconds of each task; default what the request has left. */
  readonly timeoutMs?: number;
  /** Tasks of one request at a time; default 8. */
  readonly concurrency?: number;
  readonly input?: StandardSchemaV1<unknown, TInput>;
  readonly output?: StandardSchemaV1<unknown, TOutput>;
}

const KEYS = ['registry', 'decompose', 'assemble', 'timeoutMs', 'concurrency', 'input', 'output'];

/** The list of tasks that a decomposer gives, as a schema that a model can read. */
export const routedTasks: StandardSchemaV1<unknown, readonly RoutedTask[]> = schemaOf({
  type: 'array',
  items: {
    type: 'object',
    required: ['id', 'capability', 'input'],
    additionalProperties: false,
    properties: {
      id: { type: 'string', minLength: 1 },
      capability: { type: 'string' },
      input: {},
    },
  },
});

type Waits<T> = Generator<Wait<unknown>, T, unknown>;
type Members = Readonly<Record<string, Performer<never, unknown>>>;

/**
 * Makes the logic of a router. A task for a capability that nobody has, or with an input that does
 * not fit it, fails before anybody is asked; the others go on, and the outcome is `partial`.
 *
 * @example
 * ```ts
 * import { router, type Assembly, type Decomposition } from 'troupe/actors';
 *
 * const skills = registry({
 *   edit: capability({ description: 'tidies a text up', workers: { ada: { performer: editor } } }),
 * });
 * const desk = router('desk', {
 *   registry: skills,
 *   decompose: performer('split', ({ input }: Task<Decomposition<string>>) => [
 *     { id: '1', capability: 'edit', input: { text: input.request } },
 *   ]),
 *   assemble: performer('join', ({ input }: Task<Assembly<string>>) => input.slots),
 * });
 * const outcome = await perform(system, desk, { goal: 'tidy up', input: ' hello ' });
 * ```
 *
 * Throws `InvalidOption`.
 */
export function router<TInput, TOutput>(
  name: string,
  options: RouterOptions<TInput, TOutput>,
): PerformerLogic<TInput, TOutput> {
  checkOptions(options, KEYS, 'router');
  const { registry, decompose, assemble, input, output } = options;
  if (!(registry instanceof Registry))
    throw new InvalidOption({ field: 'router.registry', given: registry, allowed: 'a registry' });
  const team: Record<string, AnyPerformer> = {
    ...registry.team,
    decompose,
    assemble,
    loads: loads(),
  };
  return performer<TInput, TOutput, typeof team>(
    name,
    (task, run) => new Routing(task.input, run as TaskRun<Members>, options).answer(),
    {
      team,
      ...(input === undefined ? {} : { input }),
      ...(output === undefined ? {} : { output }),
    },
  );
}

/** One request on its way. */
class Routing<TInput, TOutput> {
  readonly #request: TInput;
  readonly #run: TaskRun<Members>;
  readonly #options: RouterOptions<TInput, TOutput>;
  readonly #loads: LoadsRef;

  constructor(request: TInput, run: TaskRun<Members>, options: RouterOptions<TInput, TOutput>) {
    this.#request = request;
    this.#run = run;
    this.#options = options;
    this.#loads = agentName(`${run.ctx.parent!.path}/team/loads`);
  }

  *answer(): Waits<TOutput | PartialResult<TOutput>> {
    const run = this.#run;
    const tasks = yield* this.#tasks();
    const slots = yield* this.#slots(tasks);
    const missing = slots.flatMap((slot, index) =>
      slot.status === 'ok' && slot.missing.length === 0
        ? []
        : [`${slot.name} (${tasks[index]!.capability})`],
    );
    const failures = slots.flatMap((slot): readonly Failure[] =>
      'failure' in slot && slot.failure !== undefined ? [slot.failure] : [],
    );
    if (tasks.length > 0 && slots.every(({ status }) => status !== 'ok'))
      throw nothingCame(slots, failures);
    const assemble = run.team['assemble'] as Performer<Assembly<TInput>, TOutput>;
    const input = { request: this.#request, tasks, slots };
    const output = run.need(yield* run.perform(assemble, { input }), 'assemble');
    return missing.length === 0 ? output : run.partial(output, { missing, failures });
  }

  *#tasks(): Waits<readonly RoutedTask[]> {
    const run = this.#run;
    const decompose = run.team['decompose'] as Performer<Decomposition<TInput>, unknown>;
    const input = { request: this.#request, capabilities: this.#options.registry.toJSON() };
    const answer = run.need(yield* run.perform(decompose, { input }), 'decompose');
    const tasks = fit(routedTasks, answer, 'the tasks of the request', 'invalidOutput');
    const ids = new Set(tasks.map(({ id }) => id));
    if (ids.size === tasks.length) return tasks;
    const message = 'the tasks of the request: two of them have the same id';
    throw new TaskFailed({ kind: 'invalidOutput', message });
  }

  /** Does what can be done, side by side; one slot for each task, in order. */
  *#slots(tasks: readonly RoutedTask[]): Waits<readonly Slot<unknown>[]> {
    const run = this.#run;
    const refused = new Map<string, Slot<unknown>>();
    const branches: Branch<never, unknown>[] = [];
    // What is granted to work that is lost is spent: something must be left to put the answer together.
    const budget = run.share(tasks.length + 1);
    for (const task of tasks) {
      try {
        branches.push({ ...(yield* this.#branch(task)), budget });
      } catch (error) {
        const { id: name, capability } = task;
        const failure = run.failureOf(error);
        run.decide(`nobody gets ${name}`, failure.message, { capability });
        refused.set(name, { name, status: 'failed', failure });
      }
    }
    const { concurrency } = this.#options;
    const limits = concurrency === undefined ? {} : { concurrency };
    const slots = yield* gather(run, branches, limits);
    run.ctx.send(this.#loads, { type: 'release', by: run.ctx.self });
    const done = new Map(slots.map((slot) => [slot.name, slot]));
    return tasks.map((task) => refused.get(task.id) ?? this.#checked(task, done.get(task.id)!));
  }

  *#branch({ id, capability: name, input }: RoutedTask): Waits<Branch<never, unknown>> {
    const run = this.#run;
    const capability: Capability = this.#options.registry.find(name);
    const fitting = fit(capability.input, input, `input of ${id} (${name})`, 'invalidInput');
    const workers = Object.entries(capability.workers).map(
      ([worker, { performer: who, cost }]) => ({
        name: worker,
        key: keyOf(who, memberOf(name, worker)),
        cost: cost ?? {},
      }),
    );
    const { ctx } = run;
    const asked = { type: 'assign', among: workers.map(({ key }) => key), by: ctx.self } as const;
    const { chosen, loads: before } = yield* ctx.ask(this.#loads, asked);
    const worker = workers[chosen]!.name;
    const among = workers.map((each, index) => `${each.name}: ${before[index]}`).join(', ');
    const data = { capability: name, cost: workers[chosen]!.cost };
    run.decide(`${worker} gets ${id}`, `the least loaded for ${name} of ${among}`, data);
    const { timeoutMs } = this.#options;
    return {
      name: id,
      performer: run.team[memberOf(name, worker)]!,
      input: fitting as never,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    };
  }

  #checked({ capability: name }: RoutedTask, slot: Slot<unknown>): Slot<unknown> {
    if (slot.status !== 'ok') return slot;
    const { output: schema } = this.#options.registry.find(name) as Capability;
    try {
      const place = `output of ${slot.name} (${name})`;
      return { ...slot, output: fit(schema, slot.output, place, 'invalidOutput') };
    } catch (error) {
      return { name: slot.name, status: 'failed', failure: this.#run.failureOf(error) };
    }
  }
}

/** The same worker is the same load, whatever it is asked for; a logic has an agent for each capability. */
function keyOf(who: AnyPerformer, member: string): string {
  if (isLogic(who)) return member;
  return 'address' in who ? who.address : nameOf(who);
}

function nothingCame(slots: readonly Slot<unknown>[], failures: readonly Failure[]): TaskFailed {
  const isMissing = failures.length > 0 && failures.every((f) => f.kind === 'capabilityMissing');
  return new TaskFailed({
    kind: isMissing ? 'capabilityMissing' : 'dependencyFailed',
    message: `none of ${slots.length} tasks was done: ${failures.map((f) => f.message).join('; ')}`,
    causes: failures,
    retry: {
      retryable: failures.some(({ retry }) => retry.retryable),
      sameInputWillFail: isMissing,
    },
    dependsOn: slots.map(({ name: id, status }) => ({ id, status })),
  });
}
