/**
 * R09: an escalation that goes round.
 *
 * W crashes as soon as it has started. Its supervisor gives up after one restart, as it should, and
 * its parent restarts the whole team: without a limit in the buggy program, twice in the correct one,
 * which then ends as well.
 */
import { child, fromHandler, supervisor, type Down } from 'troupe';
import { done, task, type Scenario } from 'troupe/simulation';
import type { Tell } from './notation.ts';
import type { Pair } from './pair.ts';

const worker = fromHandler({
  start: (_state: undefined, ctx) => ctx.send(ctx.self, { type: 'begin' }),
  receive(_state: undefined, _event: Tell<'begin'>) {
    throw new Error('it cannot begin');
  },
});

const team = supervisor({ intensity: 1, children: [child({ id: 'W', logic: worker })] });

const program = (name: string, intensity: number): Scenario => ({
  name,
  setup({ spawn }) {
    task('t');
    const parent = supervisor({ intensity, children: [child({ id: 'Team', logic: team })] });
    spawn(
      fromHandler({
        start: (_state: undefined, ctx) => void ctx.spawn(parent, { id: 'Parent', monitor: true }),
        // Whoever waits for the task is told that it has failed.
        receive: (_state: undefined, _down: Down) => done('t'),
      }),
      { id: 'Root' },
    );
  },
});

export const pair: Pair = {
  id: 'R09',
  title: 'an escalation that goes round',
  expected: ['LIVELOCK', 'RESTART_STORM'],
  e: 0,
  culprits: ['Root/Parent', 'Root/Parent/Team', 'Root/Parent/Team/W'],
  buggy: program('R09 buggy', Number.MAX_SAFE_INTEGER),
  correct: program('R09 correct', 2),
};
