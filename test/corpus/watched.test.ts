/**
 * The programs of the corpus on an ordinary system with a watchdog on it: the correct ones raise no
 * alarm in ten minutes of virtual time, and of the deadlocks those raise one that FIFO shows.
 */
import { describe, expect, it } from 'vitest';
import type { EventObject } from 'xstate';
import {
  createSeededRandom,
  createSteppedScheduler,
  createSystem,
  createVirtualClock,
  fromHandler,
  watchForTrouble,
  type Alarm,
  type AgentContext,
} from 'troupe';
import type { Scenario, Stage } from 'troupe/simulation';
import { within, type Ambient } from '../../simulation/ambient.ts';
import { corpus } from './index.ts';

/** The first of all choices; assertions are not what is looked at here. */
const AMBIENT: Ambient = {
  choose: () => 0,
  open: () => undefined,
  close: () => undefined,
  progress: () => undefined,
  nondeterministic: () => undefined,
  fail: (text) => {
    throw new Error(text);
  },
};

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
  const stage: Stage = {
    system,
    at: () => {
      throw new Error('these programs have one node');
    },
    spawn: (logic, ...args) => system.spawn(logic, ...args),
    send: (to, message) => to.send(message as never),
    ask: (to, request, options) =>
      void (to as { ask(...args: unknown[]): Promise<unknown> })
        .ask(request, options)
        .catch(() => undefined),
    client: (id, run) =>
      system.spawn(
        fromHandler({
          *start(_state: undefined, ctx: AgentContext<EventObject>) {
            yield* run(ctx);
          },
          receive: () => undefined,
        } as never),
        { id },
      ),
  };
  within(AMBIENT, () => {
    scenario.setup(stage, undefined);
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
