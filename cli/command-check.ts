/**
 * `troupe check`: every scenario of every file, then a table.
 */
import { writeFileSync } from 'node:fs';
import { storeBeside, type CheckOptions } from '../simulation/index.ts';
import { check, type Checked } from './check.ts';
import { lookAt } from './command-graph.ts';
import { checkInJobs } from './jobs.ts';
import { loadScenarios, type Found } from './load.ts';
import { EXIT, Misuse, inShort } from './misuse.ts';
import { ProgressLine } from './progress.ts';
import { tableOf } from './table.ts';

/** The flags of `troupe check`, as Commander gives them. */
export interface CheckFlags {
  readonly strategy?: NonNullable<CheckOptions['strategy']> | 'portfolio';
  readonly schedules?: number;
  readonly time?: number;
  readonly seed?: number;
  readonly jobs?: number;
  readonly failures?: number;
  /** A folder; false keeps nothing. */
  readonly store?: string | false;
  readonly json?: true;
  readonly mermaid?: true;
  readonly svg?: string;
  readonly graph?: true;
}

/** Runs the checks; returns the exit code. */
export async function runCheck(
  files: readonly string[],
  flags: CheckFlags,
  line: ProgressLine = new ProgressLine(process.stderr),
): Promise<number> {
  if (flags.graph === true) {
    print(await lookAt(files, flags.json === true));
    return EXIT.clean;
  }
  const found: Found[] = [];
  for (const file of files) found.push(...(await loadScenarios(file)));
  const checks: Checked[] = [];
  for (const [index, each] of found.entries()) {
    const title = `checking ${index + 1} of ${found.length}: ${each.name}`;
    line.show(title);
    const { jobs = 1 } = flags;
    const options: CheckOptions = {
      ...optionsOf(flags, each),
      onProgress: (progress) => line.show(title, progress),
    };
    checks.push(jobs === 1 ? check(each, options) : await checkInJobs(each, options, jobs));
  }
  line.clear();
  if (flags.svg !== undefined) writeDrawings(flags.svg, checks);
  print(
    flags.json === true
      ? JSON.stringify(checks.map(withoutDrawing), null, 2)
      : textOf(checks, flags),
  );
  return exitCodeOf(checks);
}

function optionsOf(
  { strategy, schedules, time, seed, failures, store }: CheckFlags,
  { file }: Found,
): CheckOptions {
  const storeFolder = store === false ? undefined : (store ?? storeBeside(file));
  return {
    ...(strategy === undefined || strategy === 'portfolio' ? {} : { strategy }),
    ...(schedules === undefined ? {} : { schedules }),
    ...(time === undefined ? {} : { timeMs: time }),
    ...(seed === undefined ? {} : { seed }),
    ...(failures === undefined ? {} : { failures }),
    ...(storeFolder === undefined ? {} : { storeFolder }),
  };
}

function exitCodeOf(checks: readonly Checked[]): number {
  const failed = checks.filter(({ pass }) => !pass);
  if (failed.length === 0) return EXIT.clean;
  // A violation has been replayed and stands; what does not repeat says only that one must look there first.
  const isUnsure = failed.every(({ verdict }) => verdict === 'NONDETERMINISTIC');
  return isUnsure ? EXIT.nondeterministic : EXIT.violation;
}

function textOf(checks: readonly Checked[], { mermaid }: CheckFlags): string {
  const parts = checks
    .filter(({ pass, warnings }) => !pass || warnings.length > 0)
    .map(({ explanation, mermaid: diagram }) =>
      mermaid === true && diagram !== ''
        ? `${explanation}\n\n\`\`\`mermaid\n${diagram}\n\`\`\``
        : explanation,
    );
  return [...parts, tableOf(checks)].join('\n\n');
}

/** One drawing goes to the file, and each further one beside it. */
function writeDrawings(file: string, checks: readonly Checked[]): void {
  const drawings = checks.filter(({ svg }) => svg !== '');
  for (const [index, { svg, name }] of drawings.entries()) {
    const path = index === 0 ? file : file.replace(/(\.svg)?$/, `-${index + 1}.svg`);
    try {
      writeFileSync(path, svg);
    } catch (error) {
      throw new Misuse(`the drawing cannot be written to ${path}: ${inShort(error)}`);
    }
    process.stderr.write(`the drawing of "${name}" is in ${path}\n`);
  }
}

function withoutDrawing({ svg: _svg, ...rest }: Checked): Omit<Checked, 'svg'> {
  return rest;
}

/** Writes the result. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
