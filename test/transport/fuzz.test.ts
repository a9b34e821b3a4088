// The attacks of fuzz.ts with a fixed budget; `npm run fuzz -- --minutes 10` goes on for longer.

import { CLOSE } from 'troupe/transport';
import { expect, it } from 'vitest';
import { Fuzz } from './fuzz.ts';

it.each([1, 2, 3])('no bytes break a node: seed %i', async (seed) => {
  const fuzz = new Fuzz(seed);
  await fuzz.start();
  for (let round = 1; round <= 400; round += 1) {
    await fuzz.round();
    if (round % 100 === 0) await fuzz.serve();
  }
  await fuzz.stop();
  // It would prove nothing if all were taken, or none.
  expect(fuzz.codes[CLOSE.malformed]).toBeGreaterThan(50);
  expect(fuzz.codes[CLOSE.handshake]).toBeGreaterThan(10);
  expect(fuzz.codes[CLOSE.left]).toBeGreaterThan(10);
});
