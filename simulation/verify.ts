/**
 * What a test calls: the exploration of a scenario, and an error when it finds something.
 */
import { fileURLToPath } from 'node:url';
import { TroupeError } from '../runtime/index.ts';
import { explain } from './explain.ts';
import { explore, type CheckOptions } from './explore.ts';
import type { Report } from './report.ts';
import type { Scenario } from './scenario.ts';
import { storeBeside } from './store.ts';

/** A simulation has found something; the message says what, and what makes it happen. */
export class SimulationFailed<W = unknown> extends TroupeError {
  readonly code = 'SIMULATION_FAILED';
  readonly report: Report<W>;

  constructor(report: Report<W>) {
    const { name, verdict, failure } = report;
    const token = failure?.minimal?.token;
    super(explain(report), { name, verdict, token }, { cause: failure?.violation.cause });
    this.report = report;
  }
}

/**
 * Explores a scenario, and throws {@link SimulationFailed} when something goes wrong in it. What fails
 * is kept in `.troupe` beside the file that calls, and tried first the next time; `storeFolder` names
 * another folder, and `false` none.
 *
 * @example
 * ```ts
 * import { verify } from 'troupe/simulation';
 *
 * verify({
 *   name: 'a counter counts',
 *   setup({ spawn, send }) {
 *     const counter = spawn(
 *       fromHandler({ initial: () => 0, receive: (count, _event: { type: 'add' }) => count + 1 }),
 *       { id: 'counter' },
 *     );
 *     send(counter, { type: 'add' });
 *   },
 *   eventually: { 'it has counted': (world) => world.state('counter') === 1 },
 * });
 * ```
 */
export function verify<W = undefined>(
  scenario: Scenario<W>,
  options: CheckOptions = {},
): Report<W> {
  const storeFolder = options.storeFolder ?? storeOfCaller(verify) ?? false;
  const report = explore(scenario, { ...options, storeFolder });
  if (report.failure !== undefined) throw new SimulationFailed(report);
  return report;
}

/** The store beside the file from which a function of ours was called. */
function storeOfCaller(called: (...args: never[]) => unknown): string | undefined {
  const before: unknown = Reflect.get(Error, 'prepareStackTrace');
  const at: { stack?: unknown } = {};
  // A stack as a text would have to be read, and test runners write it in their own ways.
  Error.prepareStackTrace = (_error, [caller]) => caller?.getFileName();
  Error.captureStackTrace(at, called);
  const file = at.stack;
  Reflect.set(Error, 'prepareStackTrace', before);
  if (typeof file !== 'string') return undefined;
  return storeBeside(file.startsWith('file:') ? fileURLToPath(file) : file);
}
