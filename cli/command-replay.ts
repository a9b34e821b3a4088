/**
 * `troupe replay`: the run of a token again, step by step, and its diagrams.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BadToken,
  decodeSeed,
  decodeToken,
  explain,
  markdownOf,
  replayToken,
  stepByStep,
  svgOf,
  type Replayed,
  type Report,
} from '../simulation/index.ts';
import { print } from './command-check.ts';
import { loadScenarios, type Found } from './load.ts';
import { EXIT, Misuse, inShort } from './misuse.ts';

/** The flags of `troupe replay`. */
export interface ReplayFlags {
  readonly json?: true;
  readonly out: string;
}

/** Replays a token; returns the exit code: 1 when it still fails. */
export async function runReplay(
  token: string,
  files: readonly string[],
  { json, out }: ReplayFlags,
): Promise<number> {
  const name = nameIn(token, files);
  const found: Found[] = [];
  for (const file of files) found.push(...(await loadScenarios(file)));
  const scenario = found.find((each) => each.name === name);
  if (scenario === undefined)
    throw new Misuse(
      `the token is of the scenario "${name}", which is not in ${files.join(', ')}`,
      `There are: ${found.map((each) => each.name).join(', ')}.`,
    );
  const replayed = again(scenario, token);
  const { violation, drifted, unknown, steps } = replayed;
  if (json === true)
    print(JSON.stringify({ name, drifted, unknown, violation: shown(violation), steps }, null, 2));
  else print(textOf(name, replayed));
  if (violation !== undefined) writeDiagrams(out, reportOf(name, replayed, token));
  if (violation === undefined) return EXIT.clean;
  return violation.verdict === 'NONDETERMINISTIC' ? EXIT.nondeterministic : EXIT.violation;
}

/** The scenario that the token was made for. */
function nameIn(token: string, files: readonly string[]): string {
  const seed = decodeSeed(token);
  if (seed !== undefined)
    throw new Misuse(
      'the token is of a whole exploration, not of one run',
      `Explore again: npx troupe check ${files.join(' ')} --strategy ${seed.strategy} --seed ${seed.seed}`,
    );
  try {
    return decodeToken(token).name;
  } catch (error) {
    if (error instanceof BadToken)
      throw new Misuse(error.message, 'Copy the whole token, as the explanation ends with it.');
    throw error;
  }
}

function again({ file, name, scenario }: Found, token: string): Replayed<undefined> {
  try {
    return replayToken(scenario, token);
  } catch (error) {
    if (error instanceof BadToken) throw new Misuse(error.message);
    throw new Misuse(`the scenario "${name}" in ${file} cannot be run: ${inShort(error)}`);
  }
}

function textOf(
  name: string,
  { case: found, steps, violation, drifted, unknown }: Replayed,
): string {
  const lines = [`${name}: ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}`];
  if (drifted) {
    lines.push(
      'the program has changed since the token was made: its case is a hint now, and no more',
    );
    if (unknown.length > 0)
      lines.push(`   left out, for it does not come up: ${unknown.join(', ')}`);
  }
  lines.push('', ...stepByStep({ steps, case: found, violation }), '');
  if (violation === undefined) lines.push('nothing goes wrong in this run');
  else lines.push(`${violation.verdict}: ${violation.message}`);
  return lines.join('\n');
}

/** The run as a report, which is what can be explained and drawn. */
function reportOf(
  name: string,
  { case: found, violation, steps, setup }: Replayed<undefined>,
  token: string,
): Report<undefined> {
  if (violation === undefined) throw new TypeError('nothing has failed');
  const minimal = { case: found, steps, setup, violation, replays: 0, token };
  const failure = {
    violation,
    workload: undefined,
    strategy: 'replay',
    schedule: 0,
    moves: [],
    steps,
    setup,
    minimal,
  };
  return {
    name,
    verdict: violation.verdict,
    states: 0,
    schedules: 1,
    steps: steps.length,
    tookMs: 0,
    warnings: [],
    coverage: { pairsFlipped: 0, pairsOneWay: [] },
    failure,
    failures: [failure],
    stoppedBy: undefined,
  };
}

/** Writes `NAME.md` and `NAME.svg`. */
function writeDiagrams(folder: string, report: Report<undefined>): void {
  const slug =
    report.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'run';
  const base = join(folder, slug);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${base}.md`, markdownOf(report, explain(report)));
    writeFileSync(`${base}.svg`, svgOf(report));
  } catch (error) {
    throw new Misuse(`the diagrams cannot be written to ${folder}: ${inShort(error)}`);
  }
  process.stderr.write(`the diagrams are in ${base}.md and ${base}.svg\n`);
}

/** A violation without the error behind it, which may be anything. */
function shown(violation: Replayed['violation']): object | undefined {
  if (violation === undefined) return undefined;
  const { cause: _cause, ...rest } = violation;
  return rest;
}
