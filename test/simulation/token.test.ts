import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHandler } from 'troupe';
import {
  BadToken,
  assert,
  decodeSeed,
  decodeToken,
  explore,
  replayToken,
  seedToken,
  type Minimal,
  type Scenario,
} from 'troupe/simulation';
import { BUGS, initAndUse, retried, superseded, withNoise } from './programs.ts';

function failing(scenario: Scenario): Minimal {
  return explore(scenario, { exhaustiveMs: 0 }).failure?.minimal as Minimal;
}

describe('a token', () => {
  it.each(BUGS)('replays $name to the same violation, step by step', (scenario) => {
    const { token, violation, steps } = failing(scenario);
    expect(token.length).toBeLessThan(400);
    const again = replayToken(scenario, token);
    expect(again).toMatchObject({ drifted: false, unknown: [] });
    expect(again.violation).toEqual(violation);
    expect(again.steps).toEqual(steps);
  });

  it.each(BUGS)('still fails after an edit of $name that has nothing to do with it', (scenario) => {
    const edited = { ...withNoise(scenario, 2, 5), name: scenario.name as string };
    const { token, violation } = failing(scenario);
    const again = replayToken(edited, token);
    expect(again.drifted).toBe(true);
    expect(again.unknown).toEqual([]);
    expect(again.violation?.verdict).toBe(violation.verdict);
  });

  it('that names what is not there any more is replayed without it, and says so', () => {
    const { token } = failing(superseded());
    const edited = { ...initAndUse(), name: superseded().name as string };
    const again = replayToken(edited, token);
    expect(again.drifted).toBe(true);
    expect(again.unknown).not.toEqual([]);
    expect(again.case.constraints).toEqual([]);
    expect(again.violation).toBeUndefined();
  });

  it('of a program that has come to look at the time is told so, and is no finding', () => {
    const agent = (reads: boolean) =>
      fromHandler({
        receive(_state: undefined, _event: { type: 'go' }) {
          if (reads) Date.now();
          assert(false, 'never');
        },
      });
    const program = (reads: boolean): Scenario => ({
      name: 'reading',
      setup: ({ spawn, send }) => send(spawn(agent(reads), { id: 'A' }), { type: 'go' }),
    });
    const { token } = failing(program(false));
    expect(replayToken(program(false), token).violation?.verdict).toBe('SAFETY');
    const { violation } = replayToken(program(true), token);
    expect(violation).toMatchObject({ verdict: 'NONDETERMINISTIC', agents: ['A'] });
  });

  it('of another scenario is refused, and both are named', () => {
    const { token } = failing(retried);
    expect(() => replayToken(initAndUse(), token)).toThrow(BadToken);
    expect(() => replayToken(initAndUse(), token)).toThrow(/init and use.*retried/);
  });

  it('that is cut, foreign or of another version is refused with what was there', () => {
    const { token } = failing(retried);
    expect(() => decodeToken(token.slice(0, -8))).toThrow(/cut or changed/);
    expect(() => decodeToken('hello')).toThrow(/"hello"/);
    expect(() => decodeToken(token.replace('tr1.', 'tr9.'))).toThrow(/version 9/);
    expect(() => decodeToken(seedToken('pos', 3))).toThrow(/seed/);
  });

  it('is never read as anything else than what was written, whatever is done to it', () => {
    const { token } = failing(retried);
    fc.assert(
      fc.property(
        fc.nat(token.length - 1),
        fc.string({ minLength: 1, maxLength: 1 }),
        (at, char) => {
          const changed = token.slice(0, at) + char + token.slice(at + 1);
          try {
            expect(decodeToken(changed).name).toEqual(expect.any(String));
          } catch (error) {
            expect(error).toBeInstanceOf(BadToken);
          }
        },
      ),
    );
  });

  it('of a seed says the strategy and the seed', () => {
    expect(decodeSeed(seedToken('pctcp', -7))).toEqual({ strategy: 'pctcp', seed: -7 });
    expect(decodeSeed('tr1.x')).toBeUndefined();
  });
});
