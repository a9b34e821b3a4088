/**
 * `troupe check`: every scenario of every file, then a table.
 */
import { writeFileSync } from 'node:fs';
import type { CheckOptions } from '../simulation/index.ts';
import { check, type Checked } from './check.ts';
import { lookAt } from './command-graph.ts';
import { checkInJobs } from './jobs.ts';
import { loadScenarios, type Found } from './load.ts';
import { EXIT, Misuse, inShort } from './misuse.ts';
import { tableOf } from './table.ts';

/** The flags of `troupe check`, as Commander gives them. */
export interface CheckFlags {
  readonly strategy?: NonNullable<CheckOptions['strategy']> | 'portfolio';
  readonly schedules?: number;
  readonly time?: number;
  readonly seed?: number;
  readonly jobs?: number;
  readonly json?: true;
  readonly mermaid?: true;
  readonly svg?: string;
  readonly graph?: true;
}

/** Runs the checks; returns the exit code. */
export async function runCheck(files: readonly string[], flags: CheckFlags): Promise<number> {
  if (flags.graph === true) {
    print(await lookAt(files, flags.json === true));
    return EXIT.clean;
  }
  const found: Found[] = [];
  for (const file of files) found.push(...(await loadScenarios(file)));
  const options = optionsOf(flags);
  const checks: Checked[] = [];
  for (const [index, each] of found.entries()) {
    progress(`checking ${index + 1} of ${found.length}: ${each.name}`);
    const { jobs = 1 } = flags;
    checks.push(jobs === 1 ? check(each, options) : await checkInJobs(each, options, jobs));
  }
  progress('');
  if (flags.svg !== undefined) writeDrawings(flags.svg, checks);
  print(
    flags.json === true
      ? JSON.stringify(checks.map(withoutDrawing), null, 2)
      : textOf(checks, flags),
  );
  return exitCodeOf(checks);
}

function optionsOf({ strategy, schedules, time, seed }: CheckFlags): CheckOptions {
  return {
    ...(strategy === undefined || strategy === 'portfolio' ? {} : { strategy }),
    ...(schedules === undefined ? {} : { schedules }),
    ...(time === undefined ? {} : { timeMs: time }),
    ...(seed === undefined ? {} : { seed }),
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

/** A line that the next one replaces; only for people who watch. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2K${text}`);
}

/** Writes the result. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
