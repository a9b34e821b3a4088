import { mkdtempSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createSystem, watchForTrouble, type Alarm, type System } from 'troupe';
import { writeReproduction, type TeamSource } from 'troupe/simulation';
import { team } from './fixtures/team.ts';
import { root, troupe } from './run.ts';

// Inside of the project, where the file finds `troupe`.
mkdirSync(join(root, '.troupe'), { recursive: true });
const folder = mkdtempSync(join(root, '.troupe', 'reproduction-'));
const file = join(folder, 'alarm.sim.ts');
const module = join(root, 'test/cli/fixtures/team.ts');
const source: TeamSource = { module };

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ignore = (): undefined => undefined;

/** Runs the team in real time until an alarm has been written to the file. */
async function alarmed(start: (system: System) => void, from?: TeamSource): Promise<Alarm> {
  const system = createSystem({ log: false });
  const raised = new Promise<Alarm>((resolve, reject) => {
    watchForTrouble(system, {
      record: true,
      everyMs: 20,
      stuckMs: 50,
      onAlarm(alarm, recording) {
        if (recording === undefined) reject(new Error('nothing was recorded'));
        else writeReproduction(file, alarm, recording, from);
        resolve(alarm);
      },
    });
  });
  await system.spawn(team, { id: 'team' }).started();
  start(system);
  const alarm = await raised;
  await system.stop();
  return alarm;
}

const ask = (system: System, path: string, request: { readonly type: string; text?: string }) =>
  void (system.ref(path) as unknown as { ask(request: object): Promise<unknown> })
    .ask(request)
    .catch(ignore);

const crossed = (system: System): void => {
  ask(system, '/team/a', { type: 'go' });
  ask(system, '/team/b', { type: 'go' });
};

describe('the file of an alarm', { timeout: 60_000 }, () => {
  it('shows the deadlock of a running system again', async () => {
    expect(await alarmed(crossed, source)).toMatchObject({ kind: 'deadlock' });
    const { status, stdout } = troupe('check', relative(root, file), '--schedules', '200');
    expect(stdout).toContain('DEADLOCK');
    expect(stdout).toMatch(/team\/a waits for team\/b/);
    expect(status).toBe(1);
  });

  it('shows a handoff loop again, with what the effects of the run gave', async () => {
    const alarm = await alarmed(
      (system) => ask(system, '/team/triage', { type: 'case', text: 'it\'s "late"' }),
      source,
    );
    expect(alarm).toMatchObject({ kind: 'handoff loop' });
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(`ask('/team/triage', { type: 'case', text: 'it\\'s "late"' });`);
    expect(text).toContain(`{ of: 'team/triage/route', outcomes: [ok('billing')`);
    const { status, stdout } = troupe('check', relative(root, file), '--schedules', '200');
    expect(stdout).toContain('HANDOFF_LOOP');
    expect(status).toBe(1);
  });

  it('shows a request that stays open again', async () => {
    const alarm = await alarmed((system) => ask(system, '/team/hoarder', { type: 'go' }), source);
    expect(alarm).toMatchObject({ kind: 'stuck request' });
    const { status, stdout } = troupe('check', relative(root, file), '--schedules', '200');
    expect(stdout).toContain('STUCK');
    expect(stdout).toContain('team/hoarder');
    expect(status).toBe(1);
  });

  it('imports a module that is given from the working directory, with or without a dot', async () => {
    const near = relative(process.cwd(), module);
    await alarmed(crossed, { module: near });
    const text = readFileSync(file, 'utf8');
    expect(text).toContain("import { team } from '../../test/cli/fixtures/team.ts';");
    await alarmed(crossed, { module: `./${near}`, export: 'default', id: 'team' });
    expect(readFileSync(file, 'utf8')).toContain(
      "import team from '../../test/cli/fixtures/team.ts';",
    );
    await alarmed(crossed, { module: '@acme/agents' });
    expect(readFileSync(file, 'utf8')).toContain("import { team } from '@acme/agents';");
  });

  it('says what is to be filled in when it does not know the agents', async () => {
    await alarmed(crossed);
    expect(readFileSync(file, 'utf8')).toContain(
      `// Fill in, with an import of it: spawn(team, { id: 'team' });`,
    );
    const { status, stdout, stderr } = troupe('check', relative(root, file));
    expect(stdout + stderr).toContain("setup({ spawn }) { spawn(…, { id: 'team' }); }");
    expect(status).toBe(2);
  });
});
