// Races through relays, numbers that roll over and links that break, for small parameters.
import { describe, expect, it } from 'vitest';
import { explore, type Failure, type Scenario } from 'troupe/simulation';
import { RELAYED, relay } from './relayed-race.ts';
import { rollover } from './rollover.ts';
import { raceOverCluster, retryOverCluster } from './cluster.ts';
import { raceOverWebsocket, retryOverWebsocket } from './websocket.ts';

const EXHAUSTIVE = { strategy: 'exhaustive' } as const;

function verdictOf(scenario: Scenario): string {
  const { verdict, failure } = explore(scenario, EXHAUSTIVE);
  return failure === undefined ? verdict : `${verdict}: ${failure.violation.message}`;
}

/** What sets the least failing case apart from FIFO. */
function sizeOf(failure: Failure | undefined): number | undefined {
  const least = failure?.minimal?.case;
  return least && least.constraints.length + least.faults.length;
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

describe('a link between two nodes that is cut', () => {
  // A cluster has more states than a search of all of them closes soon.
  const found = (scenario: Scenario) => {
    const { verdict, failure } = explore(scenario, { schedules: 200 });
    return { verdict, failed: failure?.violation.message, constraints: sizeOf(failure) };
  };

  it('does not hide a race', () => {
    expect(found(raceOverCluster('buggy'))).toEqual({
      verdict: 'ORDER',
      failed: 'C handles "use" before "init"',
      constraints: 1,
    });
    expect(found(raceOverCluster('correct')).failed).toBeUndefined();
    expect(verdictOf({ ...raceOverCluster('correct'), faults: {} })).toBe('PROVED');
  });

  it('has a request asked again that was served', () => {
    expect(found(retryOverCluster('buggy'))).toEqual({
      verdict: 'SAFETY',
      failed: 'the invariant "booked once at most" does not hold',
      constraints: 1,
    });
    expect(found(retryOverCluster('correct')).failed).toBeUndefined();
  });
});
