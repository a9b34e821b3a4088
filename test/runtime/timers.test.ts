import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createVirtualClock, type VirtualClock } from '../../runtime/clock.ts';
import { InvalidOption } from '../../runtime/errors.ts';
import { Timers, type Timer } from '../../runtime/timers.ts';

/** A virtual clock that counts the timeouts that it holds and those that it was asked for. */
function watch(): { clock: VirtualClock; counts: { live: number; set: number } } {
  const inner = createVirtualClock();
  const live = new Set<unknown>();
  const counts = {
    set: 0,
    get live() {
      return live.size;
    },
  };
  const clock: VirtualClock = {
    now: () => inner.now(),
    wallMs: () => inner.wallMs(),
    setTimeout(run, delayMs) {
      counts.set += 1;
      const handle = inner.setTimeout(() => {
        live.delete(handle);
        run();
      }, delayMs);
      live.add(handle);
      return handle;
    },
    clearTimeout(handle) {
      live.delete(handle);
      inner.clearTimeout(handle);
    },
    get nextDueMs() {
      return inner.nextDueMs;
    },
    fireNext: (limitMs) => inner.fireNext(limitMs),
  };
  return { clock, counts };
}

function advance(clock: VirtualClock, untilMs: number): void {
  while (clock.fireNext(untilMs));
}

/** Timers with the time that drives them: ours on a clock, or the model. */
interface World<Handle> {
  now(): number;
  schedule(dueMs: number, run: () => void): Handle;
  cancel(handle: Handle): boolean;
  advance(untilMs: number): void;
  readonly size: number;
  readonly nextDueMs: number | undefined;
}

function ours(): World<Timer> {
  const { clock, counts } = watch();
  const timers = new Timers(clock);
  return {
    now: () => clock.now(),
    schedule: (dueMs, run) => timers.schedule(dueMs, run),
    cancel: (timer) => timers.cancel(timer),
    advance(untilMs) {
      advance(clock, untilMs);
      expect(counts.live).toBe(timers.size === 0 ? 0 : 1);
    },
    get size() {
      return timers.size;
    },
    get nextDueMs() {
      return timers.nextDueMs;
    },
  };
}

/** A list that is sorted whenever somebody looks. */
function model(): World<{ dueMs: number; run: () => void }> {
  const waiting: { dueMs: number; run: () => void }[] = [];
  let nowMs = 0;
  let firing = false;
  // Sorting is stable, so that what is due together stays in the order of scheduling.
  const next = () => waiting.toSorted((a, b) => a.dueMs - b.dueMs)[0];
  const take = (timer: { dueMs: number; run: () => void }): boolean => {
    const index = waiting.indexOf(timer);
    if (index !== -1) waiting.splice(index, 1);
    return index !== -1;
  };
  return {
    now: () => nowMs,
    schedule(dueMs, run) {
      const timer = { dueMs: firing ? Math.max(dueMs, nowMs) : dueMs, run };
      waiting.push(timer);
      return timer;
    },
    cancel: take,
    advance(untilMs) {
      firing = true;
      for (let timer = next(); timer !== undefined && timer.dueMs <= untilMs; timer = next()) {
        nowMs = Math.max(nowMs, timer.dueMs);
        take(timer);
        timer.run();
      }
      nowMs = untilMs;
      firing = false;
    },
    get size() {
      return waiting.length;
    },
    get nextDueMs() {
      return next()?.dueMs;
    },
  };
}

type Op =
  | {
      readonly op: 'schedule';
      readonly inMs: number;
      /** What the timer does when it fires: schedule one more, cancel some other. */
      readonly thenInMs: number | undefined;
      readonly thenCancels: number | undefined;
    }
  | { readonly op: 'cancel'; readonly which: number }
  | { readonly op: 'advance'; readonly byMs: number };

const sequences = fc.array(
  fc.oneof<fc.WeightedArbitrary<Op>[]>(
    {
      weight: 12,
      arbitrary: fc.record({
        op: fc.constant('schedule'),
        inMs: fc.integer({ min: -2, max: 60 }),
        thenInMs: fc.option(fc.integer({ min: -3, max: 5 }), { nil: undefined }),
        thenCancels: fc.option(fc.nat(1_000), { nil: undefined }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ op: fc.constant('cancel'), which: fc.nat(1_000) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('advance'), byMs: fc.nat(40) }) },
  ),
  { maxLength: 200, size: 'max' },
);

/** Plays the operations and writes down all that can be seen. */
function play<Handle>(world: World<Handle>, operations: readonly Op[]): string[] {
  const seen: string[] = [];
  const handles: Handle[] = [];
  const schedule = (dueMs: number, then: () => void): void => {
    const id = handles.length;
    const run = (): void => {
      seen.push(`${id} fires at ${world.now()}`);
      then();
    };
    handles.push(world.schedule(dueMs, run));
  };
  const cancel = (which: number): void => {
    const id = which % Math.max(1, handles.length);
    const handle = handles[id];
    if (handle !== undefined) seen.push(`${id} cancelled: ${world.cancel(handle)}`);
  };
  for (const operation of operations) {
    switch (operation.op) {
      case 'schedule': {
        const { inMs, thenInMs, thenCancels } = operation;
        schedule(world.now() + inMs, () => {
          if (thenInMs !== undefined) schedule(world.now() + thenInMs, () => undefined);
          if (thenCancels !== undefined) cancel(thenCancels);
        });
        break;
      }
      case 'cancel':
        cancel(operation.which);
        break;
      case 'advance':
        world.advance(world.now() + operation.byMs);
        break;
    }
    seen.push(`${world.size} wait, next at ${world.nextDueMs}`);
  }
  world.advance(world.now() + 1_000);
  return seen;
}

describe('timers', () => {
  it('do what a sorted list does', () => {
    fc.assert(
      fc.property(sequences, (operations) => {
        const world = ours();
        expect(play(world, operations)).toEqual(play(model(), operations));
        expect(world.size).toBe(0);
      }),
    );
  });

  it('hold one timeout of the clock, and none when nothing waits', () => {
    const { clock, counts } = watch();
    const timers = new Timers(clock);
    const handles = [30, 10, 20].map((dueMs) => timers.schedule(dueMs, () => undefined));
    expect(counts.live).toBe(1);
    expect(clock.nextDueMs).toBe(10);
    for (const handle of handles) expect(timers.cancel(handle)).toBe(true);
    expect(counts.live).toBe(0);
    timers.schedule(5, () => undefined);
    advance(clock, 5);
    expect(counts.live).toBe(0);
    timers.schedule(50, () => expect.unreachable('all were cleared'));
    timers.clear();
    expect(counts.live).toBe(0);
    expect(timers.size).toBe(0);
    advance(clock, 100);
  });

  it('leave the clock alone when a cancelled head leaves others, and wake for nothing once', () => {
    const { clock, counts } = watch();
    const timers = new Timers(clock);
    const run = vi.fn();
    const head = timers.schedule(10, () => expect.unreachable('it was cancelled'));
    timers.schedule(20, run);
    timers.cancel(head);
    expect(counts.set).toBe(1);
    advance(clock, 19);
    expect(run).not.toHaveBeenCalled();
    expect(counts.set).toBe(2);
    advance(clock, 20);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('wake sooner when something becomes due before the head', () => {
    const { clock } = watch();
    const timers = new Timers(clock);
    const fired: number[] = [];
    for (const dueMs of [100, 50, 70]) timers.schedule(dueMs, () => fired.push(clock.now()));
    advance(clock, 1_000);
    expect(fired).toEqual([50, 70, 100]);
  });

  it('run all that is due at a late wake-up, in order, and what they schedule for the past after it', () => {
    const late = { now: 0, wake: (): void => undefined };
    const timers = new Timers({
      now: () => late.now,
      wallMs: () => late.now,
      setTimeout: (run) => (late.wake = run),
      clearTimeout: () => undefined,
    });
    const fired: string[] = [];
    timers.schedule(5, () => {
      fired.push('a');
      timers.schedule(6, () => fired.push('scheduled by a'));
    });
    timers.schedule(9, () => fired.push('b'));
    timers.schedule(9, () => fired.push('c'));
    timers.schedule(11, () => fired.push('not yet'));
    late.now = 10;
    late.wake();
    expect(fired).toEqual(['a', 'b', 'c']);
    late.wake();
    expect(fired).toEqual(['a', 'b', 'c', 'scheduled by a']);
  });

  it('survive a run that throws: the others run, and the error comes out of the wake-up', () => {
    const { clock } = watch();
    const timers = new Timers(clock);
    const fired: string[] = [];
    const fail = (message: string) => () => {
      throw new Error(message);
    };
    timers.schedule(10, fail('one'));
    timers.schedule(10, () => fired.push('same time'));
    timers.schedule(20, () => fired.push('later'));
    expect(() => clock.fireNext(10)).toThrow('one');
    expect(fired).toEqual(['same time']);
    timers.schedule(20, fail('two'));
    timers.schedule(20, fail('three'));
    expect(() => clock.fireNext(20)).toThrow(AggregateError);
    expect(fired).toEqual(['same time', 'later']);
    expect(timers.size).toBe(0);
  });

  it('cancel only what still waits here', () => {
    const { clock } = watch();
    const timers = new Timers(clock);
    const others = new Timers(clock);
    const own = timers.schedule(10, () => undefined);
    const foreign = others.schedule(10, () => undefined);
    expect(timers.cancel(foreign)).toBe(false);
    expect(timers.cancel(own)).toBe(true);
    expect(timers.cancel(own)).toBe(false);
    advance(clock, 10);
    expect(others.cancel(foreign)).toBe(false);
  });

  it('drop what a run clears', () => {
    const { clock, counts } = watch();
    const timers = new Timers(clock);
    timers.schedule(10, () => timers.clear());
    timers.schedule(10, () => expect.unreachable('it was cleared'));
    advance(clock, 100);
    expect(timers.size).toBe(0);
    expect(counts.live).toBe(0);
  });

  it('know a time that never comes, and refuse what is no time', () => {
    const { clock, counts } = watch();
    const timers = new Timers(clock);
    const never = timers.schedule(Infinity, () => expect.unreachable('it is never due'));
    expect(counts.live).toBe(0);
    expect(never.dueMs).toBe(Infinity);
    timers.schedule(5, () => undefined);
    advance(clock, 5);
    expect(counts.live).toBe(0);
    expect(timers.nextDueMs).toBe(Infinity);
    expect(timers.cancel(never)).toBe(true);
    expect(() => timers.schedule(NaN, () => undefined)).toThrow(InvalidOption);
  });

  it('run one by one where somebody chooses which of those that are due together comes first', () => {
    const { clock, counts } = watch();
    const timers = new Timers(clock);
    const seen: string[] = [];
    const names = new Map(
      ['a', 'b', 'late'].map((name) => [
        timers.schedule(name === 'late' ? 20 : 10, () => seen.push(name)),
        name,
      ]),
    );
    expect(timers.nextDue().map((timer) => names.get(timer))).toEqual(['a', 'b']);
    expect(timers.all()).toHaveLength(3);
    const [a, b] = timers.nextDue() as [Timer, Timer];
    expect(timers.fire(b)).toBe(true);
    expect(timers.fire(b)).toBe(false);
    expect(timers.nextDue()).toEqual([a]);
    expect(timers.fire(a)).toBe(true);
    expect(timers.nextDue().map((timer) => names.get(timer))).toEqual(['late']);
    expect(timers.fire(timers.nextDue()[0] as Timer)).toBe(true);
    expect(timers.nextDue()).toEqual([]);
    expect(seen).toEqual(['b', 'a', 'late']);
    expect(counts.live).toBe(0);
  });
});
