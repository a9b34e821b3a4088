/**
 * The loading of a user's module, and the scenarios in it.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import type { Scenario } from '../simulation/index.ts';
import { Misuse, inShort } from './misuse.ts';

/** A scenario, and where it comes from. */
export interface Found {
  readonly file: string;
  /** The name that it is known by: its own, or that of its export. */
  readonly name: string;
  readonly scenario: Scenario;
}

const LOOKS_LIKE = 'export const handoff: Scenario = { setup({ spawn, ask }) { … } };';

/** Loads a module of the user's. */
export async function loadModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(file);
  const shown = relative(process.cwd(), path) || file;
  if (!existsSync(path)) throw new Misuse(`there is no file ${shown}`);
  if (statSync(path).isDirectory())
    throw new Misuse(`${shown} is a folder`, 'Name the files in it, such as a.sim.ts b.sim.ts.');
  sameTroupe(path, shown);
  const isTypeScript = /\.[cm]?tsx?$/.test(path);
  if (isTypeScript && !runsTypeScript()) await registerTsx(shown);
  try {
    return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw new Misuse(`${shown} cannot be loaded: ${inShort(error)}`);
  }
}

/** The scenarios that a file exports, in the order of their names. */
export async function loadScenarios(file: string): Promise<Found[]> {
  const exported = await loadModule(file);
  const found = scenariosIn(file, exported);
  if (found.length > 0) return found;
  const names = Object.keys(exported);
  const what = names.length === 0 ? 'nothing' : names.join(', ');
  throw new Misuse(
    `${file} exports no scenario; it exports ${what}`,
    `A scenario is an object with a function \`setup\`: ${LOOKS_LIKE}`,
  );
}

/** The scenarios among what a module exports. */
export function scenariosIn(file: string, exported: Readonly<Record<string, unknown>>): Found[] {
  const found = new Map<Scenario, string>();
  for (const [name, value] of Object.entries(exported)) {
    if (isScenario(value)) found.set(value, found.get(value) ?? name);
    else if ((name === 'default' || name === 'scenarios') && typeof value === 'object')
      for (const [key, item] of Object.entries(value ?? {}))
        if (isScenario(item)) found.set(item, found.get(item) ?? key);
  }
  const taken = new Set<string>();
  return [...found].map(([scenario, exportName]) => {
    const own = scenario.name ?? exportName;
    // Two of one name could not be told apart, by people and by tokens.
    if (taken.has(own))
      throw new Misuse(`${file} exports two scenarios named "${own}"`, 'Give each its own `name`.');
    taken.add(own);
    return { file, name: own, scenario: { ...scenario, name: own } };
  });
}

function isScenario(value: unknown): value is Scenario {
  return (
    typeof value === 'object' && value !== null && typeof (value as Scenario).setup === 'function'
  );
}

// ── TypeScript ────────────────────────────────────────────────────────────────────────────────

function runsTypeScript(): boolean {
  const { typescript } = process.features as { typescript?: string | false };
  // A loader of the command line holds in the main thread.
  const withLoader = !isMainThread
    ? ''
    : [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ');
  return (typeof typescript === 'string' && typescript !== '') || /\btsx\b/.test(withLoader);
}

// The sources of troupe itself run by a loader already, in every thread.
let isRegistered = import.meta.url.endsWith('.ts');

/** Lets the user's own tsx load TypeScript. */
async function registerTsx(shown: string): Promise<void> {
  if (isRegistered) return;
  let path: string;
  try {
    path = createRequire(resolve('package.json')).resolve('tsx/esm/api');
  } catch {
    throw new Misuse(
      `${shown} is TypeScript, and Node ${process.versions.node} does not run it by itself`,
      'Install tsx (npm install --save-dev tsx), or use Node 22.18 or newer, or name the compiled .js file.',
    );
  }
  const { register } = (await import(pathToFileURL(path).href)) as { register: () => unknown };
  register();
  isRegistered = true;
}

// ── One troupe ────────────────────────────────────────────────────────────────────────────────

/** A scenario and the command must be of one troupe: `choose` acts on the run that steps now. */
function sameTroupe(path: string, shown: string): void {
  let theirs: string;
  try {
    theirs = realpathSync(createRequire(path).resolve('troupe/package.json'));
  } catch {
    return;
  }
  const here = fileURLToPath(import.meta.url);
  const ours = [resolve(here, '../../package.json'), resolve(here, '../../../package.json')]
    .filter((file) => existsSync(file))
    .map((file) => realpathSync(file));
  if (!ours.includes(theirs))
    throw new Misuse(
      `${shown} uses the troupe at ${theirs}, and this command is another`,
      'Run `npx troupe` in the project of the file.',
    );
}
