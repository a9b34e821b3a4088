// Who may wait at the door, and who is turned away when it is crowded.

import { TRANSPORT_LIMITS } from 'troupe/transport';
import { expect, it } from 'vitest';
// The callers are no part of the public surface.
import { Callers } from '../../transport/callers.ts';

const { handshakesMax } = TRANSPORT_LIMITS;

function door() {
  const evicted: string[] = [];
  const callers = new Callers<string>((caller) => evicted.push(caller));
  return { evicted, enter: (remote: string) => callers.enter(remote, remote) };
}

it('there is room for so many', () => {
  const { evicted, enter } = door();
  for (let port = 0; port < handshakesMax; port += 1) enter(`10.0.0.1:${port}`);
  expect(evicted).toEqual([]);
  enter('10.0.0.1:9999');
  expect(evicted).toEqual(['10.0.0.1:0']);
});

it('a host that calls often displaces itself, and nobody else', () => {
  const { evicted, enter } = door();
  enter('10.0.0.2:1');
  enter('[::1]:5');
  for (let port = 0; port < 1_000; port += 1) enter(`10.0.0.1:${port}`);
  enter('10.0.0.3:1');
  expect(evicted).toHaveLength(1_003 - handshakesMax);
  expect(evicted.every((remote) => remote.startsWith('10.0.0.1:'))).toBe(true);
});

it('two hosts that call often share, and a third one still gets in', () => {
  const { evicted, enter } = door();
  for (let port = 0; port < 500; port += 1) {
    enter(`10.0.0.1:${port}`);
    enter(`10.0.0.2:${port}`);
  }
  const before = evicted.length;
  for (let port = 0; port < 10; port += 1) enter(`10.0.0.3:${port}`);
  expect(evicted.slice(before).some((remote) => remote.startsWith('10.0.0.3'))).toBe(false);
  for (const host of ['10.0.0.1', '10.0.0.2'])
    expect(evicted.filter((remote) => remote.startsWith(host)).length).toBeLessThan(500 - 24);
});

it('who has left makes room, once', () => {
  const { evicted, enter } = door();
  const leaves = Array.from({ length: handshakesMax }, (_, port) => enter(`10.0.0.1:${port}`));
  for (const leave of leaves.slice(0, 10)) {
    leave();
    leave();
  }
  for (let port = 0; port < 10; port += 1) enter(`10.0.0.2:${port}`);
  expect(evicted).toEqual([]);
  enter('10.0.0.2:99');
  expect(evicted).toEqual(['10.0.0.1:10']);
});
