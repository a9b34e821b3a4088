import { afterEach, describe, expect, it, vi } from 'vitest';
import { createClock, createVirtualClock } from '../../runtime/clock.ts';

describe('the virtual clock', () => {
  it('stands still until it is moved', () => {
    const clock = createVirtualClock({ startMs: 100, wallStartMs: 5_000 });
    clock.setTimeout(() => expect.unreachable('nobody moved the clock'), 0);
    expect(clock.now()).toBe(100);
    expect(clock.wallMs()).toBe(5_000);
  });

  it('fires by due time, and in order of insertion where that is equal', () => {
    const clock = createVirtualClock({ startMs: 10 });
    const fired: string[] = [];
    const note = (name: string) => () => fired.push(`${name}@${clock.now()}`);
    clock.setTimeout(note('b'), 20);
    clock.setTimeout(note('a'), 5);
    clock.setTimeout(note('c'), 20);
    clock.setTimeout(note('past'), -7);
    expect(clock.nextDueMs).toBe(10);
    while (clock.fireNext(Infinity));
    expect(fired).toEqual(['past@10', 'a@15', 'b@30', 'c@30']);
    expect(clock.nextDueMs).toBeUndefined();
  });

  it('moves to the limit when nothing is due until then, and never back or to infinity', () => {
    const clock = createVirtualClock({ wallStartMs: 1_000 });
    const run = vi.fn();
    clock.setTimeout(run, 50);
    clock.setTimeout(run, Infinity);
    expect(clock.fireNext(49)).toBe(false);
    expect(clock.now()).toBe(49);
    expect(clock.fireNext(10)).toBe(false);
    expect(clock.now()).toBe(49);
    expect(run).not.toHaveBeenCalled();
    expect(clock.fireNext(50)).toBe(true);
    expect(clock.fireNext(Infinity)).toBe(false);
    expect(clock.now()).toBe(50);
    expect(clock.wallMs()).toBe(1_050);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('fires what a timeout sets for the same time after what was set before', () => {
    const clock = createVirtualClock();
    const fired: string[] = [];
    clock.setTimeout(() => {
      fired.push('first');
      clock.setTimeout(() => fired.push('nested'), 0);
    }, 5);
    clock.setTimeout(() => fired.push('second'), 5);
    while (clock.fireNext(5));
    expect(fired).toEqual(['first', 'second', 'nested']);
  });

  it('forgets a cleared timeout, and ignores one that is cleared twice or unknown', () => {
    const clock = createVirtualClock();
    const kept = vi.fn();
    const cleared = clock.setTimeout(() => expect.unreachable('it was cleared'), 5);
    clock.setTimeout(kept, 5);
    for (const handle of [cleared, cleared, undefined, {}]) clock.clearTimeout(handle);
    expect(clock.fireNext(5)).toBe(true);
    expect(clock.fireNext(5)).toBe(false);
    expect(kept).toHaveBeenCalledTimes(1);
  });

  it('has dropped a timeout that throws', () => {
    const clock = createVirtualClock();
    clock.setTimeout(() => {
      throw new Error('from a timeout');
    }, 5);
    expect(() => clock.fireNext(5)).toThrow('from a timeout');
    expect(clock.fireNext(5)).toBe(false);
  });
});

describe('the clock of the machine', () => {
  const dayMs = 24 * 60 * 60 * 1_000;

  function faked() {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'], now: 7_000 });
    return createClock();
  }

  afterEach(() => {
    vi.useRealTimers();
  });

  it('counts monotonic milliseconds beside the wall clock', () => {
    const clock = faked();
    const startMs = clock.now();
    vi.advanceTimersByTime(250);
    expect(clock.now() - startMs).toBe(250);
    expect(clock.wallMs()).toBe(7_250);
  });

  it('sleeps through delays that are longer than Node allows', () => {
    const clock = faked();
    const run = vi.fn();
    clock.setTimeout(run, 60 * dayMs);
    vi.advanceTimersByTime(60 * dayMs - 1);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('can clear a long delay in any of its stretches', () => {
    const clock = faked();
    const handle = clock.setTimeout(() => expect.unreachable('it was cleared'), 60 * dayMs);
    vi.advanceTimersByTime(30 * dayMs);
    clock.clearTimeout(handle);
    vi.advanceTimersByTime(60 * dayMs);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('never fires early, also when it takes over what a cleared timeout left', () => {
    const clock = faked();
    const fired: string[] = [];
    const first = clock.setTimeout(() => fired.push('first'), 100);
    clock.clearTimeout(first);
    vi.advanceTimersByTime(40);
    clock.setTimeout(() => fired.push('later'), 200);
    const second = clock.setTimeout(() => fired.push('second'), 100);
    clock.clearTimeout(second);
    clock.setTimeout(() => fired.push('sooner'), 10);
    // The handles of what was cleared are worth nothing any more.
    clock.clearTimeout(first);
    clock.clearTimeout(second);
    vi.advanceTimersByTime(9);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['sooner']);
    vi.advanceTimersByTime(189);
    expect(fired).toEqual(['sooner']);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual(['sooner', 'later']);
    vi.advanceTimersByTime(dayMs);
    expect(fired).toEqual(['sooner', 'later']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('asks Node for nothing when a deadline is set and cleared again and again', () => {
    const clock = faked();
    const arm = vi.spyOn(globalThis, 'setTimeout');
    for (let count = 0; count < 100; count += 1) {
      clock.clearTimeout(clock.setTimeout(() => expect.unreachable('it was cleared'), 5_000.4));
      if (count % 10 === 0) vi.advanceTimersByTime(1);
    }
    expect(arm).toHaveBeenCalledTimes(1);
    arm.mockRestore();
    vi.advanceTimersByTime(5_001);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fires after what a cleared timeout left has woken for nothing', () => {
    const clock = faked();
    clock.clearTimeout(clock.setTimeout(() => expect.unreachable('it was cleared'), 10));
    vi.advanceTimersByTime(20);
    const run = vi.fn();
    clock.setTimeout(run, 30);
    vi.advanceTimersByTime(30);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it('ignores the clearing of a timeout that has run', () => {
    const clock = faked();
    const run = vi.fn();
    const handle = clock.setTimeout(run, 10);
    vi.advanceTimersByTime(10);
    clock.clearTimeout(handle);
    clock.setTimeout(run, 30);
    vi.advanceTimersByTime(30);
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('keeps only one of the timeouts that were cleared, the one that can serve most', () => {
    for (const order of [
      [10, 5_000, 700],
      [5_000, 700, 10],
      [700, 10, 5_000],
    ]) {
      const clock = faked();
      const handles = order.map((delayMs) => clock.setTimeout(() => undefined, delayMs));
      for (const handle of handles) clock.clearTimeout(handle);
      expect(vi.getTimerCount()).toBe(1);
      const arm = vi.spyOn(globalThis, 'setTimeout');
      clock.setTimeout(() => undefined, 11);
      expect(arm).not.toHaveBeenCalled();
      arm.mockRestore();
      vi.useRealTimers();
    }
  });

  it('sleeps whole milliseconds, rounded up, and not at all for what is past or no number', () => {
    const clock = faked();
    const arm = vi.spyOn(globalThis, 'setTimeout');
    const run = vi.fn();
    for (const delayMs of [-7, NaN, 0, 10.4]) clock.setTimeout(run, delayMs);
    expect(arm.mock.calls.map(([, sleepMs]) => sleepMs)).toEqual([0, 0, 0, 11]);
    vi.advanceTimersByTime(10);
    expect(run).toHaveBeenCalledTimes(3);
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledTimes(4);
    arm.mockRestore();
  });

  it('keeps the process alive for a timeout that waits and not for a cleared one', () => {
    const clock = createClock();
    // Only timers that keep the process alive are listed.
    const alive = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = alive();
    const first = clock.setTimeout(() => undefined, 60_000);
    expect(alive()).toBe(before + 1);
    clock.clearTimeout(first);
    expect(alive()).toBe(before);
    const second = clock.setTimeout(() => undefined, 60_000);
    expect(alive()).toBe(before + 1);
    clock.clearTimeout(second);
    expect(alive()).toBe(before);
  });
});
