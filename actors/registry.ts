/**
 * The registry of capabilities: what a team can do and who does it, as data. Planners and routers
 * look here, so that nobody is asked for what nobody can do.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOption, type Budget } from '../runtime/index.ts';
import { checkId, checkOptions } from '../runtime/internal.ts';
import { TaskFailed } from './failure.ts';
import type { Team } from './performer.ts';
import { jsonSchemaOf } from './schema.ts';
import type { AnyPerformer, Performer } from './task.ts';

/** One who has a capability. */
export interface Worker<TInput, TOutput> {
  readonly performer: Performer<TInput, TOutput>;
  /** What one task is expected to spend, by name; default nothing. */
  readonly cost?: Budget;
}

/** Something that can be asked for. */
export interface Capability<TInput = unknown, TOutput = unknown> {
  /** What it is good for, in words: who plans or routes reads this. */
  readonly description: string;
  /** Any Standard Schema: what a task for it must be. */
  readonly input?: StandardSchemaV1<unknown, TInput>;
  /** What its result must be. */
  readonly output?: StandardSchemaV1<unknown, TOutput>;
  /** The input as JSON Schema; needed only where the schema's library cannot say it. */
  readonly inputSchema?: Readonly<Record<string, unknown>>;
  /** Who has it, by name; the first is the one to ask when nothing speaks for another. */
  readonly workers: Readonly<Record<string, Worker<TInput, TOutput>>>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- each capability has an input and an output of its own
export type Capabilities = Readonly<Record<string, Capability<any, any>>>;

/** A capability as a model or a person reads it: plain data, fit for the wire. */
export interface CapabilityNote {
  readonly name: string;
  readonly description: string;
  readonly inputSchema?: Readonly<Record<string, unknown>>;
  readonly workers: readonly { readonly name: string; readonly cost: Budget }[];
}

/** Gives workers the types of the schemas. */
export function capability<TInput, TOutput>(
  parts: Capability<TInput, TOutput>,
): Capability<TInput, TOutput> {
  return parts;
}

const KEYS = ['description', 'input', 'output', 'inputSchema', 'workers'];

/** The capabilities of a team. Make one with {@link registry}. */
export class Registry<TCapabilities extends Capabilities = Capabilities> {
  readonly #capabilities: TCapabilities;

  /** @internal */
  constructor(capabilities: TCapabilities) {
    this.#capabilities = capabilities;
  }

  /** In the order in which they were given. */
  get names(): readonly string[] {
    return Object.keys(this.#capabilities);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#capabilities, name);
  }

  /** Throws `TaskFailed` (`capabilityMissing`), which names those that there are. */
  find<TName extends keyof TCapabilities & string>(name: TName): TCapabilities[TName];
  find(name: string): Capability;
  find(name: string): Capability {
    if (this.has(name)) return this.#capabilities[name]!;
    throw new TaskFailed({
      kind: 'capabilityMissing',
      message: `there is no capability "${name}"; there are: ${this.names.join(', ')}`,
      effect: 'none',
      retry: { sameInputWillFail: true },
    });
  }

  /** All workers, as the team of a performer: see {@link memberOf}. */
  get team(): Team {
    const members = Object.entries(this.#capabilities).flatMap(([name, { workers }]) =>
      Object.entries<Worker<never, unknown>>(workers).map(
        ([worker, { performer }]): [string, AnyPerformer] => [memberOf(name, worker), performer],
      ),
    );
    return Object.fromEntries(members);
  }

  /** What there is, for a model or a person. */
  toJSON(): readonly CapabilityNote[] {
    return Object.entries(this.#capabilities).map(
      ([name, { description, input, inputSchema = input && jsonSchemaOf(input), workers }]) => ({
        name,
        description,
        ...(inputSchema === undefined ? {} : { inputSchema }),
        workers: Object.entries<Worker<never, unknown>>(workers).map(([worker, { cost = {} }]) => ({
          name: worker,
          cost,
        })),
      }),
    );
  }
}

/** What a worker is called in the team of a registry. */
export function memberOf(capabilityName: string, worker: string): string {
  return `${capabilityName}.${worker}`;
}

/**
 * Makes a registry.
 *
 * @example
 * ```ts
 * const skills = registry({
 *   edit: capability({ description: 'tidies a text up', workers: { ada: { performer: editor } } }),
 * });
 * skills.find('edit').workers;
 * ```
 *
 * Throws `InvalidOption`, also for a capability that nobody has.
 */
export function registry<const TCapabilities extends Capabilities>(
  capabilities: TCapabilities,
): Registry<TCapabilities> {
  if (typeof capabilities !== 'object' || Object.keys(capabilities ?? {}).length === 0)
    throw new InvalidOption({ field: 'registry', given: capabilities, allowed: 'capabilities' });
  for (const [name, parts] of Object.entries(capabilities)) {
    const field = `registry.${name}`;
    checkId(name, field);
    checkOptions(parts, KEYS, field);
    if (typeof parts.description !== 'string')
      throw new InvalidOption({
        field: `${field}.description`,
        given: parts.description,
        allowed: 'a text',
      });
    const workers = Object.entries(parts.workers ?? {});
    if (workers.length === 0)
      throw new InvalidOption({ field: `${field}.workers`, given: 'none', allowed: 'one or more' });
    for (const [worker, options] of workers) {
      checkId(worker, `${field}.workers.${worker}`);
      checkOptions(options, ['performer', 'cost'], `${field}.workers.${worker}`);
    }
  }
  return new Registry(capabilities);
}
