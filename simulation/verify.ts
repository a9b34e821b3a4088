/**
 * What a test calls: the exploration of a scenario, and an error when it finds something.
 */
import { TroupeError } from '../runtime/index.ts';
import { explain } from './explain.ts';
import { explore, type CheckOptions } from './explore.ts';
import type { Report } from './report.ts';
import type { Scenario } from './scenario.ts';

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
 * Explores a scenario, and throws {@link SimulationFailed} when something goes wrong in it.
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
  const report = explore(scenario, options);
  if (report.failure !== undefined) throw new SimulationFailed(report);
  return report;
}
