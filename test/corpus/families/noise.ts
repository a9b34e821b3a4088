/** X2: agents that have nothing to do with it, and may make no difference. */
import type { Scenario } from 'troupe/simulation';
import { at, stateful } from '../notation.ts';

type Ping = { readonly type: 'ping'; readonly left: number };

/** The scenario, beside k pairs of agents of which each sends the other a ping m times in all. */
export function withNoise(scenario: Scenario, k: number, m: number): Scenario {
  return {
    ...scenario,
    name: `${scenario.name} and ${k} noisy pairs`,
    setup(stage, workload) {
      scenario.setup(stage, workload);
      for (let index = 0; index < k; index += 1) {
        const ids = [`Ping${index}`, `Pong${index}`];
        for (const id of ids)
          stage.spawn(
            stateful<number, Ping>(0, (heard, { left }, ctx) => {
              const other = at<Ping>(
                stage,
                ids.find((one) => one !== id)!,
              );
              if (left > 1) ctx.send(other, { type: 'ping', left: left - 1 });
              return heard + 1;
            }),
            { id },
          );
        stage.send(at<Ping>(stage, ids[0]!), { type: 'ping', left: m });
      }
    },
  };
}
