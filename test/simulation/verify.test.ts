import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFunction } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  SimulationFailed,
  explore,
  replayToken,
  storeBeside,
  verify,
  type Scenario,
} from 'troupe/simulation';
import { initAndUse, superseded, withNoise } from './programs.ts';

describe('verify', () => {
  it('gives the report when nothing is wrong', () => {
    expect(verify(superseded(0, true)).verdict).toBe('PROVED');
  });

  it('throws what is wrong, why, and the token that replays it', () => {
    const error = failureOf(() => verify(initAndUse(), { storeFolder: false }));
    expect(error.message).toMatch(/^ORDER after \d+ steps .*\n +C handles "use" before "init"/);
    expect(error.message).toContain('C handles `use` (from B) BEFORE `init` (from A)');
    const token = /tr1\.\S+/.exec(error.message)?.[0] as string;
    expect(replayToken(initAndUse(), token).violation?.verdict).toBe('ORDER');
    expect(error.report.failure?.minimal?.token).toBe(token);
  });
});

describe('the store of tokens', () => {
  let storeFolder: string;
  beforeEach(() => {
    storeFolder = mkdtempSync(join(tmpdir(), 'search-'));
  });
  afterEach(() => rmSync(storeFolder, { recursive: true }));

  const options = () => ({ storeFolder, exhaustiveMs: 0 });
  const kept = (): string[] =>
    readdirSync(storeFolder).map((file) => readFileSync(join(storeFolder, file), 'utf8').trim());

  it('keeps a failure, and tries it before anything else', () => {
    const first = explore(initAndUse(16), options());
    expect(first.schedules).toBeGreaterThan(1);
    expect(kept()).toEqual([first.failure?.minimal?.token]);
    const again = explore(initAndUse(16), options());
    expect(again.schedules).toBe(1);
    expect(again.failure).toMatchObject({ strategy: 'remembered' });
    expect(kept()).toEqual([first.failure?.minimal?.token]);
  });

  it('keeps the token of a bug that is fixed, and passes', () => {
    const { failure } = explore(superseded(), options());
    expect(explore(superseded(0, true), { ...options(), schedules: 20 }).verdict).toBe('PASS');
    expect(kept()).toEqual([failure?.minimal?.token]);
  });

  it('gives a bug a new token when the program around it has changed', () => {
    explore(superseded(), options());
    const [before] = kept();
    const edited = { ...withNoise(superseded(), 1, 2), name: superseded().name as string };
    expect(explore(edited, options()).failure?.strategy).toBe('remembered');
    expect(kept()).toHaveLength(1);
    expect(kept()[0]).not.toBe(before);
  });

  it('passes over what is no token', () => {
    explore(initAndUse(), options());
    for (const file of readdirSync(storeFolder))
      writeFileSync(join(storeFolder, file), '// a note\nnonsense\n');
    expect(explore(initAndUse(), options()).verdict).toBe('ORDER');
  });

  it('writes nothing when nothing is found', () => {
    explore(superseded(0, true), { ...options(), schedules: 20 });
    expect(kept()).toEqual([]);
  });

  it('stands beside the file that calls verify, when nothing else is said', () => {
    const calling = compileFunction('return verify(scenario)', ['verify', 'scenario'], {
      filename: join(storeFolder, 'desk.test.ts'),
    }) as (called: typeof verify, scenario: Scenario) => unknown;
    failureOf(() => calling(verify, initAndUse()));
    expect(readdirSync(storeFolder)).toEqual(['.troupe']);
    const again = failureOf(() => calling(verify, initAndUse()));
    expect(again.report.failure?.strategy).toBe('remembered');
  });

  it('is none where nothing can be written', () => {
    expect(storeBeside(join(storeFolder, 'no/such/desk.test.ts'))).toBeUndefined();
  });

  it('must be a folder', () => {
    expect(() => explore(initAndUse(), { storeFolder: '' })).toThrow(/check\.storeFolder/);
  });
});

function failureOf(run: () => unknown): SimulationFailed {
  try {
    run();
  } catch (error) {
    if (error instanceof SimulationFailed) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
