import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { RestartWindow } from 'troupe';

/** OTP's own way: the list of all restarts, those outside the period dropped. */
class RestartList {
  readonly intensity: number;
  readonly periodMs: number;
  times: number[] = [];

  constructor(intensity: number, periodMs: number) {
    this.intensity = intensity;
    this.periodMs = periodMs;
  }

  add(nowMs: number): boolean {
    this.times = [nowMs, ...this.times.filter((time) => time >= nowMs - this.periodMs)];
    return this.times.length <= this.intensity;
  }
}

describe('restart intensity', () => {
  test.prop([
    fc.integer({ min: 0, max: 5 }),
    fc.integer({ min: 1, max: 20 }),
    fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 60 }),
  ])('allows exactly what the list of all restarts allows', (intensity, periodMs, gaps) => {
    const window = new RestartWindow(intensity, periodMs);
    const list = new RestartList(intensity, periodMs);
    let nowMs = 0;
    for (const gapMs of gaps) {
      nowMs += gapMs;
      const allowed = list.add(nowMs);
      expect(window.add(nowMs)).toBe(allowed);
      // After that the supervisor is gone.
      if (!allowed) return;
      expect(window.count(nowMs)).toBe(list.times.length);
    }
  });

  it('a restart exactly one period ago still counts, one a millisecond older does not', () => {
    const strict = new RestartWindow(1, 1_000);
    expect([strict.add(0), strict.add(1_000)]).toEqual([true, false]);
    const passed = new RestartWindow(1, 1_000);
    expect([passed.add(0), passed.add(1_001)]).toEqual([true, true]);
  });

  it('intensity 0 allows nothing', () => {
    expect(new RestartWindow(0, 1_000).add(0)).toBe(false);
  });

  it('reads as JSON the same after a lap of the same restarts, however late it is', () => {
    const early = new RestartWindow(2, 1_000);
    const late = new RestartWindow(2, 1_000);
    early.add(0);
    early.add(10);
    for (const nowMs of [0, 5_000, 90_000, 90_010]) late.add(nowMs);
    expect(JSON.stringify(late)).toBe(JSON.stringify(early));
    early.add(5_000);
    expect(JSON.stringify(late)).not.toBe(JSON.stringify(early));
  });

  it('reads as JSON the times that still count, as their distance from the newest', () => {
    const window = new RestartWindow(3, 1_000);
    // The ring has turned: the newest stands first in it, and one of the others is too old.
    for (const nowMs of [0, 500, 1_200, 1_501]) window.add(nowMs);
    expect(window.toJSON()).toEqual([0, 301]);
    const closer = new RestartWindow(3, 1_000);
    for (const nowMs of [0, 500, 1_200, 1_500]) closer.add(nowMs);
    expect(closer.toJSON()).toEqual([0, 300, 1_000]);
  });

  it('reads as JSON the times when a hundred restarts are left, and not when one more is', () => {
    const restarted = (intensity: number): RestartWindow => {
      const window = new RestartWindow(intensity, 1_000);
      window.add(0);
      return window;
    };
    expect(restarted(101).toJSON()).toEqual([0]);
    expect(restarted(102).toJSON()).toBe('many left');
  });

  it('reads as JSON the same for any number of restarts of which many more are left', () => {
    const endless = new RestartWindow(Number.MAX_SAFE_INTEGER, 1_000);
    const before = JSON.stringify(endless);
    for (let nowMs = 0; nowMs < 500; nowMs += 1) endless.add(nowMs);
    expect(JSON.stringify(endless)).toBe(before);
  });
});
