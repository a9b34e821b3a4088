/** The scenarios: each plays the same every time, goes wrong without its safeguards, and is clean under all orders. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { explain, explore } from 'troupe/simulation';
import { describe, expect, test } from 'vitest';
import { SCENARIOS } from '../../examples/scenarios/list.ts';
import { Stage, type Safeguard, type Scenario } from '../../examples/scenarios/stage.ts';

const folder = fileURLToPath(new URL('../../examples/scenarios/', import.meta.url));

async function transcript(scenario: Scenario, without?: Safeguard): Promise<string> {
  const lines: string[] = [];
  const print = (line: string) => lines.push(line);
  const stage = new Stage({ print, ...(without !== undefined && { without }) });
  await scenario.play(stage);
  await stage.close();
  return `${lines.join('\n')}\n`;
}

describe.each(SCENARIOS)('$id, $name', (scenario) => {
  test('plays as its golden transcript says, every time', async () => {
    const text = await transcript(scenario);
    await expect(text).toMatchFileSnapshot(`${folder}golden/${scenario.name}.txt`);
    expect(await transcript(scenario)).toBe(text);
  });

  test.each(scenario.removable)('goes wrong without %s', async (safeguard) => {
    const text = await transcript(scenario, safeguard);
    const file = `${folder}golden/${scenario.name}.without-${safeguard}.txt`;
    await expect(text).toMatchFileSnapshot(file);
    expect(text).not.toBe(await transcript(scenario));
  });

  const { simulated } = scenario;
  test.runIf(simulated !== undefined)(
    'is clean whatever comes first and whatever models choose',
    () => {
      const report = explore(simulated!, { timeMs: 2_000, seed: 1 });
      expect(report.verdict, explain(report)).toMatch(/^(?:PASS|PROVED)$/);
    },
  );
});

test('every golden transcript belongs to a scenario', () => {
  const expected = SCENARIOS.flatMap(({ name, removable }) => [
    `${name}.txt`,
    ...removable.map((safeguard) => `${name}.without-${safeguard}.txt`),
  ]);
  expect(readdirSync(`${folder}golden`).toSorted()).toEqual(expected.toSorted());
});

describe('the command', () => {
  const run = (...args: string[]) =>
    spawnSync(
      process.execPath,
      ['--import', 'tsx', '--conditions=source', `${folder}../run.ts`, ...args],
      { encoding: 'utf8' },
    );

  test('lists every example and scenario, for machines too', () => {
    const all = JSON.parse(run('--list', '--json').stdout) as { name: string }[];
    const names = all.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(SCENARIOS.map(({ name }) => name)));
    expect(run('--list').stdout.split('\n').filter(Boolean)).toHaveLength(all.length);
  });

  test('gives the accounts of a run as JSON', () => {
    const { stdout } = run('content-pipeline', '--json', '--without', 'guard');
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'content-pipeline',
      without: 'guard',
      accounts: [{ outcome: 'done' }, { outcome: 'done' }],
    });
  });

  test('refuses what a scenario cannot be played without, naming what it can', () => {
    const { status, stderr } = run('content-pipeline', '--without', 'supervision');
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/content-pipeline can be played without: guard, limits/);
  });
});
