/**
 * The programs of the corpus on an ordinary system with a watchdog on it: the correct ones raise no
 * alarm in ten minutes of virtual time, and of the deadlocks those raise one that FIFO shows.
 */
import { describe, expect, it } from 'vitest';
import {
  createSeededRandom,
  createSteppedScheduler,
  createSystem,
  createVirtualClock,
  watchForTrouble,
  type Alarm,
} from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { within } from '../../simulation/ambient.ts';
import { corpus } from './index.ts';
import { AMBIENT, liveStage } from './live.ts';

const WATCHED_MS = 600_000;

/** Runs a scenario in FIFO order for ten minutes. */
function alarmsOf(scenario: Scenario): Alarm[] {
  const alarms: Alarm[] = [];
  const scheduler = createSteppedScheduler();
  const clock = createVirtualClock();
  const random = createSeededRandom(1);
  const system = createSystem({ log: false, askTimeoutMs: Infinity, scheduler, clock, random });
  // The smokers that may wait for ever.
  const mayWait = scenario.allow?.waiting === undefined ? [] : ['take'];
  watchForTrouble(system, { mayWait, onAlarm: (alarm) => alarms.push(alarm) });
  within(AMBIENT, () => {
    scenario.setup(liveStage(system), undefined);
    do for (let steps = 0; steps < 1_000 && scheduler.step();) steps += 1;
    while (alarms.length === 0 && clock.fireNext(WATCHED_MS));
  });
  return alarms;
}

describe('a watchdog over the corpus', () => {
  it.each(corpus.map(({ id, correct }) => [id, correct] as const))(
    'is quiet about the correct %s',
    (_id, correct) => {
      expect(alarmsOf(correct)).toEqual([]);
    },
  );

  it.each(['R02', 'R09'])('tells of the buggy %s', (id) => {
    const { buggy, culprits } = corpus.find((pair) => pair.id === id)!;
    const [alarm] = alarmsOf(buggy);
    expect(alarm?.kind).toBe('restart storm');
    expect(culprits.some((name) => alarm?.message.includes(name) === true)).toBe(true);
  });

  it.each(['D01', 'D02', 'D04', 'D05', 'D07'])('tells of the buggy %s', (id) => {
    const { buggy, culprits } = corpus.find((pair) => pair.id === id)!;
    const [alarm] = alarmsOf(buggy);
    expect(['deadlock', 'stuck request']).toContain(alarm?.kind);
    expect(culprits.some((name) => alarm?.message.includes(name) === true)).toBe(true);
  });
});
