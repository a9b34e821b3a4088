/**
 * Configuration: one schema and many environments. Layers are put over each other, secrets become
 * handles before anything else sees them, and a start fails with every key that is missing or wrong
 * and the places where it could be set.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOption, TroupeError } from '../../runtime/index.ts';
import { checkOptions } from '../../runtime/internal.ts';
import { mergeLayers, pathLayer, treeLayer, treeOf } from './layer.ts';
import type { ConfigLayer, Sourced } from './layer.ts';
import { Secret } from './secret.ts';

/** What one application can be configured with. */
export interface ConfigSpec<TSchema extends StandardSchemaV1> {
  /** Names the files: `desk` reads `desk.json` and `desk.staging.json`. */
  readonly name: string;
  /** A schema of zod, valibot, arktype or any other library that speaks Standard Schema. */
  readonly schema: TSchema;
  /** Paths whose values become {@link Secret} handles before the schema sees them. */
  readonly secrets?: readonly string[];
  /** The environment variable that sets a path, such as `{ 'model.apiKey': 'DESK_API_KEY' }`. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Where one start takes its values from; a later one of these covers an earlier one. */
export interface ConfigSources {
  /** The name of the environment, such as `production`. */
  readonly environment: string;
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** The folder of `NAME.json` and `NAME.ENVIRONMENT.json`; either may be absent. */
  readonly folder?: string;
  /** Environment variables, usually `process.env`; an empty one counts as not set. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** What the command line set, by path, such as `{ 'limits.calls': 20 }`. */
  readonly args?: Readonly<Record<string, unknown>>;
}

/** The values of one environment: checked, frozen, each with the layer that set it. */
export interface Config<T> {
  readonly name: string;
  readonly environment: string;
  readonly value: T;
  /** The layer that set a path; undefined for what the schema filled in. */
  origin(path: string): string | undefined;
  /** All values by path, as the layers gave them; secrets are handles. */
  readonly sourced: ReadonlyMap<string, Sourced>;
  /** What one agent may see: these keys and no others. */
  scope<TKey extends keyof T>(...keys: TKey[]): Pick<T, TKey>;
  /** Whether `flags.NAME` is on. Throws `InvalidOption` for a flag that the schema does not know. */
  enabled(flag: FlagOf<T>): boolean;
}

/** The names below `flags`. */
export type FlagOf<T> = T extends { readonly flags: infer TFlags } ? keyof TFlags & string : never;

/** A start was refused: every problem with its path and what to do about it. */
export class InvalidConfig extends TroupeError {
  readonly code = 'INVALID_CONFIG';
  readonly problems: readonly string[];

  constructor(fields: {
    readonly name: string;
    readonly environment: string;
    readonly problems: readonly string[];
  }) {
    const { name, environment, problems } = fields;
    super(`configuration of ${name} for ${environment}:\n  ${problems.join('\n  ')}`, fields);
    this.problems = problems;
  }
}

/**
 * Reads the configuration of one environment: defaults, then the file, the environment's file,
 * environment variables and arguments, checked by the schema.
 *
 * Throws `InvalidConfig` naming each missing or wrong key and where it can be set, and
 * `InvalidOption` for a file that is no JSON object. No error shows the value of a secret.
 *
 * @example
 * ```ts
 * import { loadConfig, Secret } from 'troupe/actors';
 * import { z } from 'zod';
 *
 * const config = loadConfig(
 *   {
 *     name: 'desk',
 *     schema: z.object({ apiKey: z.instanceof(Secret), calls: z.coerce.number() }),
 *     secrets: ['apiKey'],
 *     variables: { apiKey: 'DESK_API_KEY', calls: 'DESK_CALLS' },
 *   },
 *   { environment: 'staging', defaults: { calls: 10 }, variables: process.env },
 * );
 * config.value.calls; // 10
 * ```
 */
export function loadConfig<TSchema extends StandardSchemaV1>(
  spec: ConfigSpec<TSchema>,
  sources: ConfigSources,
): Config<StandardSchemaV1.InferOutput<TSchema>> {
  checkOptions(spec, ['name', 'schema', 'secrets', 'variables'], 'loadConfig');
  checkOptions(sources, ['environment', 'defaults', 'folder', 'variables', 'args'], 'sources');
  const { name } = spec;
  const { environment } = sources;
  for (const [field, given] of Object.entries({ name, environment })) {
    if (/^[\w-]+$/.test(given)) continue;
    throw new InvalidOption({ field, given, allowed: 'letters, digits, _ and -' });
  }
  const sourced = mergeLayers(layersOf(spec, sources));
  const problems = hideSecrets(sourced, spec.secrets ?? []);
  const result = spec.schema['~standard'].validate(treeOf(sourced));
  if (result instanceof Promise) {
    const given = 'a schema that answers later';
    throw new InvalidOption({ field: 'loadConfig.schema', given, allowed: 'a synchronous schema' });
  }
  for (const { path, message } of result.issues ?? []) {
    problems.push(problemOf(spec, sources, sourced, pathOf(path), message));
  }
  if (result.issues !== undefined || problems.length > 0) {
    throw new InvalidConfig({ name, environment, problems });
  }
  return configOf(spec.name, sources.environment, result.value, sourced);
}

function configOf<T>(
  name: string,
  environment: string,
  checked: T,
  sourced: ReadonlyMap<string, Sourced>,
): Config<T> {
  const value = freeze(checked);
  return {
    name,
    environment,
    value,
    sourced,
    origin: (path) => sourced.get(path)?.origin,
    scope: (...keys) =>
      Object.freeze(Object.fromEntries(keys.map((key) => [key, value[key]]))) as Pick<
        T,
        (typeof keys)[number]
      >,
    enabled: (flag) => {
      const flags = (value as { flags?: Readonly<Record<string, unknown>> }).flags ?? {};
      if (!Object.hasOwn(flags, flag)) {
        const allowed = Object.keys(flags).join(', ') || 'no flag: the schema has none';
        throw new InvalidOption({ field: 'enabled', given: flag, allowed });
      }
      return flags[flag] === true;
    },
  };
}

function layersOf(spec: ConfigSpec<StandardSchemaV1>, sources: ConfigSources): ConfigLayer[] {
  const { defaults = {}, folder, variables = {}, args = {} } = sources;
  const layers: ConfigLayer[] = [treeLayer('defaults', defaults)];
  if (folder !== undefined) {
    for (const file of filesOf(spec, sources)) layers.push(...fileLayer(folder, file));
  }
  for (const [path, variable] of Object.entries(spec.variables ?? {})) {
    const value = variables[variable];
    if (value !== undefined && value !== '') layers.push(pathLayer(variable, path, value));
  }
  for (const [path, value] of Object.entries(args)) {
    layers.push(pathLayer(`argument ${path}`, path, value));
  }
  return layers;
}

function filesOf({ name }: ConfigSpec<StandardSchemaV1>, sources: ConfigSources): string[] {
  return [`${name}.json`, `${name}.${sources.environment}.json`];
}

function fileLayer(folder: string, file: string): ConfigLayer[] {
  const path = join(folder, file);
  if (!existsSync(path)) return [];
  const values = parse(file, readFileSync(path, 'utf8'));
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    const given = values === null ? 'null' : Array.isArray(values) ? 'a list' : typeof values;
    throw new InvalidOption({ field: file, given, allowed: 'a JSON object' });
  }
  return [treeLayer(file, values)];
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words quote the text, and the text may hold a secret.
    throw new InvalidOption({ field: file, given: 'text that is no JSON', allowed: 'JSON' });
  }
}

/** Replaces the values of the secret paths by handles; a value that can be none is a problem. */
function hideSecrets(sourced: Map<string, Sourced>, secrets: readonly string[]): string[] {
  const problems: string[] = [];
  for (const path of secrets) {
    const known = sourced.get(path);
    if (known === undefined || known.value instanceof Secret) continue;
    const { value, origin } = known;
    if (typeof value === 'string' && value !== '') {
      sourced.set(path, { value: new Secret(path, value), origin });
    } else {
      sourced.delete(path);
      problems.push(`${path}: a secret must be a string that is not empty (from ${origin})`);
    }
  }
  return problems;
}

function problemOf(
  spec: ConfigSpec<StandardSchemaV1>,
  sources: ConfigSources,
  sourced: ReadonlyMap<string, Sourced>,
  path: string,
  message: string,
): string {
  const origin = sourced.get(path)?.origin;
  if (origin !== undefined) return `${path}: ${message} (from ${origin})`;
  const variable = spec.variables?.[path];
  const places = variable === undefined ? [] : [variable];
  if (sources.folder !== undefined) places.push(...filesOf(spec, sources).toReversed());
  const remedy =
    places.length === 0 ? 'no layer sets it' : `not set; set it in ${places.join(' or ')}`;
  return `${path || 'top level'}: ${message} (${remedy})`;
}

function pathOf(path: StandardSchemaV1.Issue['path']): string {
  return (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}

/** Freezes trees and lists all the way down; handles and other instances stay as they are. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Secret) return value;
  if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}
