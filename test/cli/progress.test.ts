import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCheck } from '../../cli/command-check.ts';
import { ProgressLine } from '../../cli/progress.ts';
import { fixture } from './run.ts';

const written: string[] = [];
const terminal = (isTTY: boolean) => ({ isTTY, write: (text: string) => written.push(text) });

afterEach(() => {
  written.length = 0;
  vi.restoreAllMocks();
});

describe('the progress of a check', () => {
  it.each([1, 2])(
    'is shown while it explores, with --jobs %i',
    { timeout: 60_000 },
    async (jobs) => {
      vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      const flags = {
        strategy: 'random',
        schedules: 1_000_000,
        time: 500,
        jobs,
        store: false,
      } as const;
      await runCheck([fixture('endless')], flags, new ProgressLine(terminal(true)));
      expect(written.length).toBeGreaterThan(2);
      expect(written[0]).toMatch(/checking 1 of 1: endless$/);
      expect(written.join('')).toMatch(/checking 1 of 1: endless · [1-9][\d,]* schedules/);
      expect(written.at(-1)).toBe('\r\u001B[2K');
    },
  );

  it('is for people who watch: nothing is written where there is no terminal', () => {
    const line = new ProgressLine(terminal(false));
    line.show('checking');
    line.clear();
    expect(written).toEqual([]);
  });
});
