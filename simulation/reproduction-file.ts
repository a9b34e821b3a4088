/**
 * The file of a reproduction: a module that exports the scenario of an alarm, for `troupe check` and
 * for tests.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import {
  InvalidOption,
  type Alarm,
  type CustodyEntry,
  type RecordedEffect,
  type Recording,
} from '../runtime/index.ts';
import { checkOptions } from '../runtime/internal.ts';
import { literalOf, missingIn } from './literal.ts';

/** Where the agents of a reproduction come from. */
export interface TeamSource {
  /** The module, relative to the working directory; for `reproductionOf` as it is to be imported. */
  readonly module: string;
  /** The name of the export that is spawned, mostly the root supervisor; default `team`. */
  readonly export?: string;
  /** The id under which it lives at the top; default that of the only agent there. */
  readonly id?: string;
}

/**
 * The source text of a module that exports the scenario of an alarm. Without a team it says which
 * line is to be filled in.
 *
 * @example
 * ```ts
 * import { reproductionOf } from 'troupe/simulation';
 *
 * watchForTrouble(system, {
 *   record: true,
 *   onAlarm: (alarm, recording) =>
 *     recording && console.log(reproductionOf(alarm, recording, { module: './team.js' })),
 * });
 * ```
 */
export function reproductionOf(alarm: Alarm, recording: Recording, team?: TeamSource): string {
  if (team !== undefined) checkTeam(team, recording);
  const { roots } = recording;
  const { module = '', export: name = 'team', id = roots[0] } = team ?? {};
  const imported = name === 'default' ? 'team' : `{ ${name} }`;
  const spawned = name === 'default' ? 'team' : name;
  const setup =
    team === undefined
      ? `    // Fill in, with an import of it: spawn(team, { id: ${literalOf(id ?? 'team')} });`
      : `    spawn(${spawned}, { id: ${literalOf(id)} });`;
  const others = roots.filter((root) => team === undefined || root !== id);
  const entries = recording.messages.map(
    ({ kind, to, message, atMs }) =>
      `    ${kind}(${literalOf(to)}, ${literalOf(message, true)}); // at ${Math.round(atMs)} ms`,
  );
  const effects = effectLines(recording.effects);
  const body = [
    `export const scenario = reproduction({`,
    `  name: ${literalOf(`${alarm.kind}: ${alarm.message}`)},`,
    `  setup({ spawn }) {`,
    setup,
    ...(others.length > 0
      ? [`    // At the top there lived: ${others.map(oneLine).join(', ')}.`]
      : []),
    `  },`,
    `  enter({ send, ask, ref }) {`,
    ...entries,
    `  },`,
    ...(effects.length > 0 ? ['  effects: [', ...effects, '  ],'] : []),
    `});`,
  ];
  const text = body.join('\n');
  const lacks = missingIn(text);
  const head = [
    `// The ${alarm.kind} of a running system, to be tried again: npx troupe check THIS_FILE`,
    `// ${oneLine(alarm.message)}`,
    ...alarm.custody.map((entry) => `//   ${custodyLine(entry)}`),
    ...(recording.lost > 0
      ? [`// ${recording.lost} older messages and effects were not kept: it may take those.`]
      : []),
    ...(lacks > 0 ? [`// ${lacks} values cannot be written, and are undefined below.`] : []),
  ];
  const tools = ['emits', 'fail', 'hang', 'ok'].filter((tool) =>
    effects.some((line) => new RegExp(`\\b${tool}\\(`).test(line)),
  );
  const imports = [
    ...(team === undefined ? [] : [`import ${imported} from ${literalOf(module)};`]),
    `import { ${[...tools, 'reproduction'].join(', ')} } from 'troupe/simulation';`,
  ];
  return `${[...head, '', ...imports, '', text].join('\n')}\n`;
}

/** Writes {@link reproductionOf} to a file, whose folder is made. The team's module is given from the working directory. */
export function writeReproduction(
  file: string,
  alarm: Alarm,
  recording: Recording,
  team?: TeamSource,
): void {
  const path = resolve(file);
  const from = dirname(path);
  const source = reproductionOf(
    alarm,
    recording,
    team && { ...team, module: specifier(team.module, from) },
  );
  mkdirSync(from, { recursive: true });
  writeFileSync(path, source);
}

function checkTeam(team: TeamSource, { roots }: Recording): void {
  checkOptions(team, ['module', 'export', 'id'], 'team');
  if (typeof team.module !== 'string' || team.module === '') {
    const allowed = 'the module of the agents, such as "./team.js"';
    throw new InvalidOption({ field: 'team.module', given: team.module, allowed });
  }
  const { export: name } = team;
  if (name !== undefined && !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) {
    const allowed = 'the name of an export';
    throw new InvalidOption({ field: 'team.export', given: name, allowed });
  }
  if (team.id !== undefined || roots.length === 1) return;
  const allowed = `the id under which it lives, one of ${roots.join(', ') || '(none is there)'}`;
  throw new InvalidOption({ field: 'team.id', given: undefined, allowed });
}

/** A module as a file in a folder imports it; what is no path and no file is a package, and stays. */
function specifier(module: string, from: string): string {
  const isPath = /^(?:\.{0,2}\/|\w:\\|\.{1,2}\\)/.test(module) || existsSync(resolve(module));
  if (!isPath) return module;
  const path = relative(from, resolve(module)).replaceAll('\\', '/');
  return /^\.{1,2}\//.test(path) ? path : `./${path}`;
}

/** One line for each agent and key, with the outcomes in the order in which the effects began. */
function effectLines(effects: readonly RecordedEffect[]): string[] {
  const outcomes = new Map<string, string[]>();
  for (const effect of effects) {
    // An agent that is an effect itself is called by its own path.
    const of = `${effect.agent.slice(1)}/${effect.key}`;
    outcomes.set(of, [...(outcomes.get(of) ?? []), outcomeText(effect)]);
  }
  return [...outcomes].map(
    ([of, list]) => `    { of: ${literalOf(of)}, outcomes: [${list.join(', ')}] },`,
  );
}

function outcomeText({ emitted, outcome, value }: RecordedEffect): string {
  if (emitted.length > 0) return `emits(${emitted.map((one) => literalOf(one)).join(', ')})`;
  if (outcome === 'open') return 'hang()';
  return outcome === 'done' ? `ok(${literalOf(value)})` : `fail(${literalOf(value)})`;
}

function custodyLine({ agent, did, message, id, atMs }: CustodyEntry): string {
  const what = message === undefined ? '' : ` "${oneLine(message)}" (message ${id})`;
  const when = atMs === undefined ? '' : ` at ${Math.round(atMs)} ms`;
  return `${oneLine(agent)} ${did}${what}${when}`;
}

/** A comment must not end before its text does. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\u2028\u2029]+/g, ' ');
}
