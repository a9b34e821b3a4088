// Which member of a group gets a message: by turns, by chance, by key, by load, or all of them.

import { InvalidOption, fromHandler, type Ref } from 'troupe';
import { NoMembers, type Group } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { Stage, echo, outcome, type EchoEvent } from './cast.ts';

let stage: Stage;
let group: Group;
let noted: Record<string, unknown[]>;
let members: Ref<EchoEvent>[];

/** Two nodes with three members each; the tests route on the first. */
beforeEach(async () => {
  stage = new Stage();
  noted = {};
  members = [];
  const a = await stage.join('a');
  const b = await stage.join('b', { seeds: ['memory:a'] });
  for (const { system, node } of [a, b])
    for (const id of ['one', 'two', 'three']) {
      const own = (noted[`${node.name}/${id}`] = [] as unknown[]);
      const member = system.spawn(echo(own), { id });
      node.group('g').join(member);
      members.push(member);
    }
  group = a.node.group('g');
  await stage.advance(10);
});
afterEach(() => stage.stop());

const note = (value?: unknown): EchoEvent => ({ type: 'note', value });
const counts = (): number[] => Object.values(noted).map(({ length }) => length);

async function end(...which: number[]): Promise<void> {
  for (const each of which) members[each]!.send({ type: 'end' });
  await stage.advance(10);
}

describe('a router', () => {
  it('sends to one after the other, also while members come and go', async () => {
    const router = group.router<EchoEvent>('round robin');
    for (let count = 0; count < 12; count += 1) router.send(note());
    await stage.advance(10);
    expect(counts()).toEqual([2, 2, 2, 2, 2, 2]);
    await end(0, 4);
    for (let count = 0; count < 8; count += 1) router.send(note());
    await stage.advance(10);
    expect(counts()).toEqual([2, 4, 4, 4, 2, 4]);
    // Who joined twice has two turns.
    group.join(members[1]!);
    const turns = Array.from({ length: 10 }, () => router.pick(note()).address);
    expect(turns.filter((address) => address === 'a/two')).toHaveLength(4);
  });

  it('sends at random, and the same way from the same seed', async () => {
    const router = group.router<EchoEvent>('random');
    for (let count = 0; count < 600; count += 1) router.send(note());
    await stage.advance(10);
    for (const count of counts()) expect(count).toBeGreaterThan(60);
    expect(counts().reduce((sum, count) => sum + count)).toBe(600);
  });

  it('sends what has the same key to the same member, from every node', async () => {
    const key = (event: object): string => String((event as { value?: unknown }).value);
    const here = group.router<EchoEvent>({ key });
    const other = await stage.join('c', { seeds: ['memory:a', 'memory:b'] });
    await stage.advance(10);
    const there = other.node.group('g').router<EchoEvent>({ key });
    const keys = Array.from({ length: 600 }, (_, index) => `user-${index}`);
    const homes = new Map(keys.map((each) => [each, here.pick(note(each)).address]));
    for (const each of keys) expect(there.pick(note(each)).address).toBe(homes.get(each));
    const shares = Object.keys(noted).map(
      (address) => [...homes.values()].filter((home) => home === address).length,
    );
    for (const share of shares) expect(share).toBeGreaterThan(60);
    // Of those whose member has left each goes elsewhere; all others stay.
    await end(3);
    for (const [each, home] of homes) {
      const now = here.pick(note(each)).address;
      if (home === 'b/one') expect(now).not.toBe('b/one');
      else expect(now).toBe(home);
    }
  });

  it('asks the less loaded of two: those who are slow get less', async () => {
    const router = group.router<EchoEvent>('least loaded');
    const held = Array.from({ length: 60 }, () => router.ask({ type: 'hold' }));
    for (const each of held) each.catch(() => undefined);
    await stage.advance(10);
    const picked = (count: number): Record<string, number> => {
      const found: Record<string, number> = {};
      for (let at = 0; at < count; at += 1) {
        const { address } = router.pick(note());
        found[address] = (found[address] ?? 0) + 1;
      }
      return found;
    };
    // Who comes new has no load, and is chosen in 11 of 36 draws of two instead of in 6 of 36.
    await end(0);
    const fresh = stage.systems[0]!.spawn(echo([]), { id: 'fresh' });
    group.join(fresh);
    const shares = picked(600);
    expect(shares['a/fresh']).toBeGreaterThan(150);
    // An ask that is answered counts no more.
    for (let count = 0; count < 50; count += 1) {
      const asked = outcome(router.ask({ type: 'echo', value: count }));
      await stage.advance(10);
      expect(asked.value).toEqual({ type: 'echoed', value: count });
    }
    expect(picked(600)['a/fresh']).toBeGreaterThan(150);
  });

  it('fails with an error that names the group when nobody is in it', async () => {
    await end(0, 1, 2, 3, 4, 5);
    for (const routing of ['round robin', 'random', 'least loaded', { key: () => '' }] as const) {
      const router = group.router<EchoEvent>(routing);
      expect(() => router.send(note())).toThrow(NoMembers);
      expect(() => router.pick(note())).toThrow('nobody is in the group "g" for "note"');
      await expect(router.ask({ type: 'echo' })).rejects.toThrow('the group "g" for "echo"');
    }
    expect(() => group.broadcast<EchoEvent>().send(note())).toThrow(NoMembers);
    await expect(group.broadcast<EchoEvent>().ask({ type: 'echo' })).rejects.toThrow(NoMembers);
  });

  it('fails an ask with what its member fails it with, and asks nobody else', async () => {
    const router = group.router<EchoEvent>('round robin');
    const refused = outcome(router.ask({ type: 'refuse' }));
    await stage.advance(10);
    expect(refused.error).toBeInstanceOf(TypeError);
  });

  it.each(['least', undefined, {}, { key: 'id' }])('refuses %j as a routing', (routing) => {
    expect(() => group.router(routing as never)).toThrow(InvalidOption);
  });

  it('lets an agent ask whom it picks, within its task', async () => {
    const router = group.router<EchoEvent>('round robin');
    const asker = stage.systems[0]!.spawn(
      fromHandler<undefined, Extract<EchoEvent, { type: 'echo' }>>({
        *receive(_state, event, ctx) {
          const request = { type: 'echo', value: event.value } as const;
          ctx.reply(event, yield* ctx.ask(router.pick(request), request));
        },
      }),
      { id: 'asker' },
    );
    const asked = outcome(asker.ask({ type: 'echo', value: 3 }));
    await stage.advance(10);
    expect(asked.value).toEqual({ type: 'echoed', value: 3 });
  });

  it('knows the reply of each request', () => {
    const router = group.router<EchoEvent>('random');
    expectTypeOf(() => router.ask({ type: 'echo' })).returns.resolves.toEqualTypeOf<{
      type: 'echoed';
      value: unknown;
    }>();
    expectTypeOf(router.pick({ type: 'echo', value: 1 })).toEqualTypeOf<Ref<EchoEvent>>();
    // @ts-expect-error -- there is no such message
    router.pick({ type: 'nothing' });
    // @ts-expect-error -- there is no such request
    expectTypeOf(() => router.ask({ type: 'nothing' })).returns.resolves.toBeNever();
  });
});

describe('a broadcast', () => {
  it('sends to all, to one that joined twice once', async () => {
    group.join(members[0]!);
    group.broadcast<EchoEvent>().send(note());
    await stage.advance(10);
    expect(counts()).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('asks all, and tells what became of each', async () => {
    members[4]!.send({ type: 'crash' });
    const asked = outcome(group.broadcast<EchoEvent>().ask({ type: 'echo', value: 7 }));
    await stage.advance(10);
    expect(asked.value!.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 4 }, () => 'fulfilled'),
      'rejected',
      'fulfilled',
    ]);
  });
});
