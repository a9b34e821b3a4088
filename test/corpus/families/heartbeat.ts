/**
 * X2, for ever: an agent that has nothing to do with it and never rests. With it nothing ever comes
 * to an end, and still a program is stuck, or not as it should be at the end, as it was without.
 */
import type { Scenario } from 'troupe/simulation';
import { agent, type Tell } from '../notation.ts';

/** The scenario, beside an agent that beats by a timer or by messages to itself. */
export function withHeartbeat(scenario: Scenario, by: 'timer' | 'message'): Scenario {
  return {
    ...scenario,
    name: `${scenario.name} and a heartbeat`,
    setup(stage, workload) {
      scenario.setup(stage, workload);
      const beat = stage.spawn(
        agent<Tell<'go' | 'beat'>>((event, ctx) => {
          if (by === 'message') ctx.send(ctx.self, { type: 'beat' });
          else if (event.type === 'go') ctx.every(7, { type: 'beat' });
        }),
        { id: 'Beat' },
      );
      stage.send(beat, { type: 'go' });
    },
  };
}
