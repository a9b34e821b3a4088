// Tokens: they outlive edits that have nothing to do with the bug, and mean the same in every process.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { explore, replayToken, type Scenario } from 'troupe/simulation';
import { digests } from './digests.ts';
import { withNoise } from './families/noise.ts';
import { corpus } from './index.ts';
import { agent } from './notation.ts';

/** What others do to a program without a thought of the bug. */
const EDITS: Readonly<Record<string, (scenario: Scenario) => Scenario>> = {
  'an agent more': (scenario) => ({
    ...scenario,
    setup(stage, workload) {
      stage.spawn(
        agent(() => undefined),
        { id: 'Unrelated' },
      );
      scenario.setup(stage, workload);
    },
  }),
  'a message more': (scenario) => ({
    ...scenario,
    setup(stage, workload) {
      scenario.setup(stage, workload);
      const ref = stage.spawn(
        agent<{ type: 'news' }>(() => undefined),
        { id: 'Unrelated' },
      );
      stage.send(ref, { type: 'news' });
    },
  }),
  'agents that talk': (scenario) => withNoise(scenario, 2, 5),
  'a timer more': (scenario) => ({
    ...scenario,
    setup(stage, workload) {
      scenario.setup(stage, workload);
      const ref = stage.spawn(
        agent<{ type: 'news' | 'later' }>(({ type }, ctx) => {
          if (type === 'news') ctx.after(7, { type: 'later' });
        }),
        { id: 'Unrelated' },
      );
      stage.send(ref, { type: 'news' });
    },
  }),
};

describe('the tokens of the corpus', { timeout: 120_000 }, () => {
  it('still fail after edits of the program, in 95 of 100 cases at least', () => {
    const lost: string[] = [];
    let replayed = 0;
    for (const { id, buggy } of corpus) {
      const { minimal } = explore(buggy, { exhaustiveMs: 0 }).failure ?? {};
      expect(minimal, id).toBeDefined();
      for (const [what, edit] of Object.entries(EDITS)) {
        const edited = { ...edit(buggy), name: buggy.name as string };
        const { violation } = replayToken(edited, minimal?.token ?? '');
        replayed += 1;
        if (violation?.verdict !== minimal?.violation.verdict)
          lost.push(`${id}, ${what}: ${violation?.verdict ?? 'nothing'}`);
      }
    }
    expect(lost.length / replayed, lost.join('; ')).toBeLessThanOrEqual(0.05);
  });

  it('have the same digests of steps in every process', () => {
    const script = fileURLToPath(new URL('digests.ts', import.meta.url));
    const here = digests();
    for (let left = 3; left > 0; left -= 1) {
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        ['--import', 'tsx', '--conditions=source', script, '--print'],
        { encoding: 'utf8' },
      );
      expect(status, stderr).toBe(0);
      expect(JSON.parse(stdout)).toEqual(here);
    }
  });
});
