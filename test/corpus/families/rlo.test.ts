// Races through relays, numbers that roll over and links that break, for small parameters.
import { describe, expect, it } from 'vitest';
import { explore, type Scenario } from 'troupe/simulation';
import { RELAYED, relay } from './relayed-race.ts';
import { rollover } from './rollover.ts';
import { raceOverWebsocket, retryOverWebsocket } from './websocket.ts';

const EXHAUSTIVE = { strategy: 'exhaustive' } as const;

function verdictOf(scenario: Scenario): string {
  const { verdict, failure } = explore(scenario, EXHAUSTIVE);
  return failure === undefined ? verdict : `${verdict}: ${failure.violation.message}`;
}

describe.each(RELAYED)('%s through relays', (program) => {
  it.each([2, 8])('is found through %i of them', (hops) => {
    expect(verdictOf(relay(program, hops, 'buggy'))).toMatch(/^(SAFETY|ORDER)/);
  });

  it('is proved where it is correct', () => {
    expect(verdictOf(relay(program, 4, 'correct'))).toBe('PROVED');
  });
});

describe('numbers that roll over', () => {
  it.each([2, 3, 4])('are found modulo %i', (modulus) => {
    expect(verdictOf(rollover(modulus, 'roll over'))).toBe(
      `SAFETY: the answer to try 0 is taken for that to try ${modulus}`,
    );
  });

  it.each([2, 3, 4])('are proved harmless when they grow instead, with %i timeouts', (modulus) => {
    expect(verdictOf(rollover(modulus, 'grow'))).toBe('PROVED');
  });
});

describe('a link that breaks', () => {
  it('does not hide a race', () => {
    expect(verdictOf(raceOverWebsocket('buggy'))).toMatch(/^ORDER: C handles "use"/);
    expect(verdictOf(raceOverWebsocket('correct'))).toBe('PROVED');
  });

  it('delivers again what is applied twice then, and loses what is sent once more', () => {
    expect(verdictOf(retryOverWebsocket('buggy'))).toMatch(/^SAFETY: .*booked once/);
    expect(verdictOf(retryOverWebsocket('correct'))).toBe('PROVED');
  });
});
