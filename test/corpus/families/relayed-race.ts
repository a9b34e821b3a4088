/**
 * X1: races through relays. One link of a racing program becomes a chain of agents that only hand on,
 * so that one message must be held back over many events for the bug to show.
 */
import type { Scenario } from 'troupe/simulation';
import { initUseRace } from '../o01-init-use-race.ts';
import { checkThenAct } from '../o02-check-then-act.ts';
import { twoPhaseCommit } from '../o04-two-phase-commit.ts';
import { supersededCall } from '../o11-superseded-call.ts';
import { lateHeartbeat } from '../o13-late-heartbeat.ts';
import { relayed, type Way } from './way.ts';

const PROGRAMS: Readonly<Record<string, (isCorrect: boolean, way: Way) => Scenario>> = {
  O01: initUseRace,
  O02: checkThenAct,
  O04: twoPhaseCommit,
  O11: supersededCall,
  O13: lateHeartbeat,
};

/** The programs that can be raced through relays. */
export const RELAYED = Object.keys(PROGRAMS);

/** A program of {@link RELAYED} with so many relays on its racing link. */
export function relay(program: string, hops: number, variant: 'buggy' | 'correct'): Scenario {
  const make = PROGRAMS[program];
  if (make === undefined) throw new TypeError(`no program ${program} in ${RELAYED.join()}`);
  const scenario = make(variant === 'correct', relayed(hops));
  return { ...scenario, name: `${scenario.name} through ${hops} relays` };
}
