/** X7: programs side by side, which share nothing: what is wrong with one is not said of the other. */
import type { Scenario } from 'troupe/simulation';

/** The disjoint union of scenarios; their agents and tasks must have different names. */
export function together(...scenarios: readonly Scenario[]): Scenario {
  const all = <K extends 'invariant' | 'eventually'>(group: K): NonNullable<Scenario[K]> =>
    Object.assign({}, ...scenarios.map((scenario) => scenario[group] ?? {})) as NonNullable<
      Scenario[K]
    >;
  return {
    name: scenarios.map(({ name }) => name).join(' beside '),
    setup(stage, workload) {
      for (const { setup } of scenarios) setup(stage, workload);
    },
    invariant: all('invariant'),
    eventually: all('eventually'),
    ordering: scenarios.flatMap(({ ordering }) => ordering ?? []),
  };
}
