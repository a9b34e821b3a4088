import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { InvalidOption } from '../../runtime/errors.ts';
import {
  createScheduler,
  createSteppedScheduler,
  type Runnable,
  type Scheduler,
} from '../../runtime/scheduler.ts';

/** A runnable that notes each of its messages and wants turns until it has handled so many. */
function worker(name: string, messages: number, handled: string[]): Runnable {
  let left = messages;
  return {
    run(budgetMessages) {
      for (let count = 0; count < budgetMessages && left > 0; count += 1) {
        left -= 1;
        handled.push(name);
      }
      return left > 0;
    },
  };
}

const idle = (scheduler: Scheduler): Promise<void> =>
  new Promise((resolve) => scheduler.onIdle(resolve));
const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** For tests of what happens within one slice: a busy machine must not end it. */
const unhurried = { sliceMs: 60_000 };

function spin(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

describe('the production scheduler', () => {
  it('runs nobody inside enqueue, and everybody in the next microtask', async () => {
    const scheduler = createScheduler(unhurried);
    const handled: string[] = [];
    expect(scheduler.idle).toBe(true);
    scheduler.enqueue(worker('a', 1, handled));
    scheduler.enqueue(worker('b', 1, handled));
    expect(handled).toEqual([]);
    expect(scheduler.idle).toBe(false);
    await Promise.resolve();
    expect(handled).toEqual(['a', 'b']);
    expect(scheduler.idle).toBe(true);
  });

  it('gives turns of 64 messages, first come first served, and puts who wants more at the tail', async () => {
    const scheduler = createScheduler();
    const handled: string[] = [];
    scheduler.enqueue(worker('a', 150, handled));
    scheduler.enqueue(worker('b', 70, handled));
    await idle(scheduler);
    const turns = [64, 64, 64, 6, 22].flatMap((count, turn) =>
      Array.from({ length: count }, () => 'ababa'[turn]),
    );
    expect(handled).toEqual(turns);
  });

  it('keeps the order of more runnables than its queue began with, also when it wraps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 300, size: 'max' }),
        async (work) => {
          const scheduler = createScheduler({ messagesPerTurn: 1 });
          const handled: string[] = [];
          work.forEach((messages, index) =>
            scheduler.enqueue(worker(`${index}`, messages, handled)),
          );
          await idle(scheduler);
          const rounds = [1, 2, 3, 4, 5].flatMap((round) =>
            work.flatMap((messages, index) => (messages >= round ? [`${index}`] : [])),
          );
          expect(handled).toEqual(rounds);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('keeps the order of those who come while others have their turns', async () => {
    const scheduler = createScheduler();
    const ran: number[] = [];
    let count = 0;
    const spawn = (): void => {
      const id = count++;
      scheduler.enqueue({
        run() {
          ran.push(id);
          for (let child = 0; child < 2 && count < 1_000; child += 1) spawn();
          return false;
        },
      });
    };
    for (let index = 0; index < 50; index += 1) spawn();
    await idle(scheduler);
    expect(ran).toEqual(Array.from({ length: 1_000 }, (_, id) => id));
  });

  it('asks for one microtask, however many come before it', async () => {
    const scheduler = createScheduler(unhurried);
    const bursts: number[] = [];
    const note = { run: () => bursts.push(scheduler.burst) < 0 };
    for (let count = 0; count < 3; count += 1) scheduler.enqueue(note);
    await idle(scheduler);
    scheduler.enqueue(note);
    await idle(scheduler);
    const [first = NaN] = bursts;
    // Each microtask is a burst of its own; `idle` has asked for none, since there was one on its way.
    expect(bursts).toEqual([first, first, first, first + 1]);
  });

  it('never nests: what a turn enqueues runs after it', async () => {
    const scheduler = createScheduler();
    const handled: string[] = [];
    scheduler.enqueue({
      run() {
        expect(scheduler.idle).toBe(false);
        scheduler.enqueue(worker('inner', 1, handled));
        handled.push('outer');
        return false;
      },
    });
    await idle(scheduler);
    expect(handled).toEqual(['outer', 'inner']);
  });

  it('lets timers and immediates through while a runnable never ends', async () => {
    const scheduler = createScheduler();
    let stopped = false;
    scheduler.enqueue({ run: () => !stopped });
    scheduler.enqueue({ run: () => !stopped });
    await new Promise((resolve) => setTimeout(resolve, 10));
    await immediate();
    expect(scheduler.idle).toBe(false);
    stopped = true;
    await idle(scheduler);
  });

  it('lets timers and immediates through while promises enqueue again after every drain', async () => {
    const scheduler = createScheduler();
    let stopped = false;
    let turns = 0;
    const loop = (async () => {
      while (!stopped) {
        await new Promise<void>((resolve) => {
          scheduler.enqueue({
            run() {
              turns += 1;
              resolve();
              return false;
            },
          });
        });
      }
    })();
    await new Promise((resolve) => setTimeout(resolve, 10));
    await immediate();
    const before = turns;
    await immediate();
    await immediate();
    expect(turns).toBeGreaterThan(before);
    stopped = true;
    await loop;
  });

  it.each([
    ['in one drain', false],
    ['in drains of their own', true],
  ])('ends the slice of slow handlers after the turn that uses it up: %s', async (_, alone) => {
    const scheduler = createScheduler({ sliceMs: 4 });
    let turns = 0;
    const slow: Runnable = {
      run() {
        turns += 1;
        spin(5);
        if (alone && turns < 10) queueMicrotask(() => scheduler.enqueue(slow));
        return !alone && turns < 10;
      },
    };
    await immediate();
    scheduler.enqueue(slow);
    await immediate();
    expect(turns).toBe(1);
    while (turns < 10) await immediate();
  });

  it('reads the time often enough for handlers that use up the slice in a few turns', async () => {
    const scheduler = createScheduler({ sliceMs: 4 });
    let turns = 0;
    await immediate();
    scheduler.enqueue({
      run() {
        turns += 1;
        spin(1);
        return turns < 40;
      },
    });
    await immediate();
    expect(turns).toBeLessThanOrEqual(4);
    await idle(scheduler);
  });

  it('continues after a slice without being asked again', async () => {
    const scheduler = createScheduler({ sliceMs: 0.01 });
    const handled: string[] = [];
    scheduler.enqueue(worker('a', 20_000, handled));
    await idle(scheduler);
    expect(handled).toHaveLength(20_000);
  });

  it('calls back once when the queue runs empty, and soon when it is empty', async () => {
    const scheduler = createScheduler();
    const handled: string[] = [];
    scheduler.onIdle(() => handled.push('idle at first'));
    await Promise.resolve();
    expect(handled).toEqual(['idle at first']);
    scheduler.enqueue(worker('a', 100, handled));
    scheduler.onIdle(() => {
      handled.push(`idle: ${scheduler.idle}`);
      scheduler.enqueue(worker('b', 1, handled));
    });
    await idle(scheduler);
    await idle(scheduler);
    expect(handled.slice(-2)).toEqual(['idle: true', 'b']);
    expect(handled.filter((each) => each.startsWith('idle'))).toHaveLength(2);
  });

  it('arms one immediate for a loop turn with work, and none when it is idle', async () => {
    const scheduler = createScheduler(unhurried);
    const arm = vi.spyOn(globalThis, 'setImmediate');
    onTestFinished(() => arm.mockRestore());
    let waits = 0;
    const armed = (): number => arm.mock.calls.length - waits;
    for (let drain = 0; drain < 3; drain += 1) {
      scheduler.enqueue(worker('a', 1, []));
      await idle(scheduler);
    }
    expect(armed()).toBe(1);
    for (; waits < 3; waits += 1) await immediate();
    expect(armed()).toBe(1);
    scheduler.enqueue(worker('a', 1, []));
    await idle(scheduler);
    expect(armed()).toBe(2);
  });

  it('goes on after a runnable that throws, whose error becomes an uncaught one', async () => {
    const uncaught: unknown[] = [];
    // The test runner takes uncaught exceptions for failures, so its listeners step aside.
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => uncaught.push(error));
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    });
    const scheduler = createScheduler();
    const handled: string[] = [];
    const error = new Error('from run');
    scheduler.enqueue({
      run() {
        throw error;
      },
    });
    scheduler.enqueue(worker('b', 1, handled));
    scheduler.onIdle(() => {
      throw error;
    });
    await idle(scheduler);
    scheduler.enqueue(worker('c', 1, handled));
    await idle(scheduler);
    expect(handled).toEqual(['b', 'c']);
    while (uncaught.length < 2) await immediate();
    expect(uncaught).toEqual([error, error]);
  });

  it('lets timers through while a runnable throws and comes back for ever', async () => {
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', () => undefined);
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
    });
    const scheduler = createScheduler();
    let stopped = false;
    const failing: Runnable = {
      run() {
        if (!stopped) scheduler.enqueue(failing);
        throw new Error('from run');
      },
    };
    scheduler.enqueue(failing);
    await new Promise((resolve) => setTimeout(resolve, 10));
    stopped = true;
    await idle(scheduler);
    await immediate();
  });

  it.each([
    ['scheduler.messagesPerTurn', { messagesPerTurn: 0 }],
    ['scheduler.sliceMs', { sliceMs: 0 }],
    ['scheduler.sliceMs', { sliceMs: Infinity }],
    ['scheduler.sliceMs', { sliceMs: NaN }],
  ])('refuses a wrong %s: %j', (field, options) => {
    expect(() => createScheduler(options)).toThrow(InvalidOption);
    expect(() => createScheduler(options)).toThrow(expect.objectContaining({ field }));
  });
});

describe('the stepped scheduler', () => {
  it('does nothing by itself', async () => {
    const scheduler = createSteppedScheduler();
    const handled: string[] = [];
    scheduler.enqueue(worker('a', 1, handled));
    await immediate();
    expect(handled).toEqual([]);
    expect(scheduler.idle).toBe(false);
  });

  it('steps one message of the head and puts it at the tail while work is left', () => {
    const scheduler = createSteppedScheduler();
    const handled: string[] = [];
    const [a, b] = [worker('a', 2, handled), worker('b', 1, handled)];
    scheduler.enqueue(a);
    scheduler.enqueue(b);
    expect(scheduler.step()).toBe(true);
    expect(scheduler.ready).toEqual([b, a]);
    expect(scheduler.step()).toBe(true);
    expect(scheduler.step()).toBe(true);
    expect(scheduler.step()).toBe(false);
    expect(handled).toEqual(['a', 'b', 'a']);
    expect(scheduler.idle).toBe(true);
  });

  it('steps whom the caller names, or else whom pick chooses', () => {
    const scheduler = createSteppedScheduler({ pick: (ready) => ready.length - 1 });
    const handled: string[] = [];
    for (const name of ['a', 'b', 'c']) scheduler.enqueue(worker(name, 1, handled));
    scheduler.step(1);
    scheduler.step();
    scheduler.step();
    expect(handled).toEqual(['b', 'c', 'a']);
  });

  it('handles as many messages in a step as it was told', () => {
    const scheduler = createSteppedScheduler({ messagesPerStep: 3 });
    const handled: string[] = [];
    scheduler.enqueue(worker('a', 4, handled));
    scheduler.step();
    expect(handled).toHaveLength(3);
    expect(() => createSteppedScheduler({ messagesPerStep: 0 })).toThrow(InvalidOption);
  });

  it('names what was asked and what was there when the index is wrong, and loses nobody', () => {
    const scheduler = createSteppedScheduler();
    scheduler.enqueue(worker('a', 1, []));
    for (const index of [1, -1, 0.5, NaN]) {
      expect(() => scheduler.step(index)).toThrow(`requested=${index}, available=0..0`);
    }
    expect(scheduler.ready).toHaveLength(1);
  });

  it('settles in as many steps as there are messages, whoever is picked', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5)), fc.infiniteStream(fc.nat()), (work, choices) => {
        const pick = (ready: readonly Runnable[]): number => choices.next().value % ready.length;
        const scheduler = createSteppedScheduler({ pick });
        const handled: string[] = [];
        const busy = work.filter((messages) => messages > 0);
        busy.forEach((messages, index) => scheduler.enqueue(worker(`${index}`, messages, handled)));
        const total = busy.reduce((sum, messages) => sum + messages, 0);
        expect(scheduler.settle()).toBe(total);
        expect(handled).toHaveLength(total);
        expect(scheduler.idle).toBe(true);
      }),
    );
  });

  it('gives up settling what never ends', () => {
    const scheduler = createSteppedScheduler();
    let steps = 0;
    scheduler.enqueue({ run: () => (steps += 1) > 0 });
    expect(() => scheduler.settle(10)).toThrow('still 1 ready after limitSteps=10');
    expect(steps).toBe(10);
    scheduler.enqueue({ run: () => true });
    expect(() => scheduler.settle()).toThrow('still 2 ready after limitSteps=100000');
  });

  it('settles within exactly the limit', () => {
    const scheduler = createSteppedScheduler();
    scheduler.enqueue(worker('a', 10, []));
    expect(scheduler.settle(10)).toBe(10);
    expect(scheduler.settle(0)).toBe(0);
  });

  it('calls back once when it becomes idle, at once when it is, and goes on with what that enqueues', () => {
    const scheduler = createSteppedScheduler();
    const handled: string[] = [];
    scheduler.onIdle(() => handled.push('at once'));
    expect(handled).toEqual(['at once']);
    scheduler.enqueue(worker('a', 2, handled));
    scheduler.onIdle(() => {
      handled.push('idle');
      scheduler.enqueue(worker('b', 1, handled));
    });
    expect(scheduler.settle()).toBe(3);
    expect(handled).toEqual(['at once', 'a', 'a', 'idle', 'b']);
  });

  it('passes on what a runnable throws, which has lost its turn, and can go on', () => {
    const scheduler = createSteppedScheduler();
    const handled: string[] = [];
    scheduler.enqueue({
      run() {
        throw new Error('from run');
      },
    });
    scheduler.enqueue(worker('b', 1, handled));
    expect(() => scheduler.step()).toThrow('from run');
    expect(scheduler.settle()).toBe(1);
    expect(handled).toEqual(['b']);
  });

  it('refuses to step inside a step', () => {
    const scheduler = createSteppedScheduler();
    let nested: unknown;
    scheduler.enqueue(worker('b', 1, []));
    scheduler.enqueue({
      run() {
        try {
          scheduler.step();
        } catch (error) {
          nested = error;
        }
        return false;
      },
    });
    scheduler.settle();
    expect(nested).toBeInstanceOf(Error);
  });
});
