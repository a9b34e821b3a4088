/**
 * The programs of the corpus in real time, on ordinary systems with a watchdog on each: the correct
 * ones raise no alarm, and the deadlocks do. A soak (`TROUPE_WATCH_MS=600000`) watches the correct
 * ones for ten minutes, anew every half a minute and all the while.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createScheduler,
  createSystem,
  watchForTrouble,
  type Alarm,
  type Scheduler,
  type System,
} from 'troupe';
import type { Scenario } from 'troupe/simulation';
import { within } from '../../simulation/ambient.ts';
import { corpus } from './index.ts';
import { AMBIENT, liveStage } from './live.ts';

const WATCH_MS = Number(process.env['TROUPE_WATCH_MS'] ?? 500);
const AGAIN_MS = 30_000;

const systems: System[] = [];

afterAll(async () => {
  await Promise.all(systems.map((system) => system.stop()));
});

/** A scheduler in whose turns a program may choose, and open tasks. */
function choosing(): Scheduler {
  const inner = createScheduler();
  return {
    get idle() {
      return inner.idle;
    },
    get lagMs() {
      return inner.lagMs;
    },
    get burst() {
      return inner.burst;
    },
    onIdle: (callback) => inner.onIdle(callback),
    enqueue: (runnable) =>
      inner.enqueue({ run: (budget) => within(AMBIENT, () => runnable.run(budget)) }),
  };
}

function run(scenario: Scenario, onAlarm: (alarm: Alarm) => void): void {
  const system = createSystem({ log: false, askTimeoutMs: Infinity, scheduler: choosing() });
  systems.push(system);
  // The smokers that may wait for ever.
  const mayWait = scenario.allow?.waiting === undefined ? [] : ['take'];
  // Short of a soak it looks as often as in one.
  const everyMs = Math.min(1_000, WATCH_MS / 10);
  watchForTrouble(system, { everyMs, mayWait, record: true, onAlarm });
  within(AMBIENT, () => scenario.setup(liveStage(system), undefined));
}

describe('a watchdog over the corpus in real time', () => {
  it('is quiet about the correct programs', { timeout: WATCH_MS + 120_000 }, async () => {
    const alarms: { readonly id: string; readonly alarm: Alarm }[] = [];
    for (let leftMs = WATCH_MS; leftMs > 0; leftMs -= AGAIN_MS) {
      for (const { id, correct } of corpus) run(correct, (alarm) => alarms.push({ id, alarm }));
      await wait(Math.min(leftMs, AGAIN_MS));
    }
    expect(alarms).toEqual([]);
  });

  it.each(['D01', 'D02', 'D04', 'D07'])('tells of the deadlock of the buggy %s', async (id) => {
    const { buggy, culprits } = corpus.find((pair) => pair.id === id)!;
    const alarm = await new Promise<Alarm>((resolve) => run(buggy, resolve));
    expect(alarm.kind).toBe('deadlock');
    expect(culprits.some((name) => alarm.message.includes(name))).toBe(true);
  });
});
