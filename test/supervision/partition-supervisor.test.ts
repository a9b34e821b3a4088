import { fc, test } from '@fast-check/vitest';
import {
  ChildNotFound,
  InvalidOption,
  NoSuchActor,
  agentName,
  fromHandler,
  partitionFor,
  partitionOf,
  partitionSupervisor,
  stopChild,
  whichChildren,
  type PartitionSupervisorRef,
  type RefFrom,
  type ReplyTo,
} from 'troupe';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Stage } from './cast.ts';

const shardLogic = fromHandler({
  initial: (input: { readonly index: number }) => input.index,
  receive(index, event: { type: 'which'; replyTo: ReplyTo<{ type: 'me'; index: number }> }, ctx) {
    ctx.reply(event, { type: 'me', index });
  },
});

const shards = (partitions: number) =>
  partitionSupervisor({ partitions, child: (index) => ({ logic: shardLogic, input: { index } }) });

describe('a partition supervisor', () => {
  it('starts so many copies of a child, each with its number', async () => {
    const stage = new Stage();
    const root = await stage.start(shards(3));
    const children = await stage.run(whichChildren(root));
    expect(children.map(({ id }) => id)).toEqual(['2', '1', '0']);
    for (const index of [0, 1, 2]) {
      const answer = await stage.run(partitionFor(root, index).ask({ type: 'which' }));
      expect(answer.index).toBe(index);
    }
  });

  it('types the refs of its partitions, and wants the input that the logic wants', async () => {
    const stage = new Stage();
    const root = await stage.start(shards(1));
    expectTypeOf(partitionFor(root, 'key')).toEqualTypeOf<RefFrom<typeof shardLogic>>();
    // @ts-expect-error -- the logic has no event of this type
    const wrong = () => partitionFor(root, 'key').send({ type: 'other' });
    // @ts-expect-error -- the logic needs an input
    const bare = () => partitionSupervisor({ partitions: 1, child: () => ({ logic: shardLogic }) });
    expect([wrong, bare]).toHaveLength(2);
  });

  it('leads from a key to its partition by ref, by name and by typed name', async () => {
    const stage = new Stage();
    const root = await stage.start(shards(4));
    const Shards = agentName<PartitionSupervisorRef<typeof shardLogic>>('shards');
    stage.system.register(Shards, root);
    const found = partitionFor(root, 'user-17');
    expect(found.path).toBe(`/sup/${partitionOf('user-17', 4)}`);
    expect(partitionFor(stage.system, 'shards', 'user-17')).toBe(found);
    expect(partitionFor(stage.system, Shards, 'user-17')).toBe(found);
    const probe = stage.system.probe();
    await stage.system.settle();
    expect(partitionFor(probe.context, Shards, 'user-17')).toBe(found);
    expect(() => partitionFor(stage.system, 'nobody', 1)).toThrow(NoSuchActor);
  });

  it('leads to the same ref while and after a partition is restarted', async () => {
    const stage = new Stage();
    const root = await stage.start(
      partitionSupervisor({
        partitions: 2,
        child: (index) => ({
          logic: stage.worker(`${index}`),
          backoff: { minMs: 100, maxMs: 100, jitter: 0 },
        }),
      }),
    );
    const before = partitionFor(root, 1);
    await stage.end('crash', '/sup/1');
    expect(stage.life('/sup/1')).toBeUndefined();
    expect(partitionFor(root, 1)).toBe(before);
    await stage.system.advance(100);
    expect(stage.lives('/sup/0', '/sup/1')).toEqual([1, 2]);
    expect(partitionFor(root, 1)).toBe(before);
  });

  it('says so when the partition is not there', async () => {
    const stage = new Stage();
    const root = stage.system.spawn(shards(2), { id: 'sup' });
    expect(() => partitionFor(root, 1)).toThrow(ChildNotFound);
    await stage.system.settle();
    await stage.run(stopChild(root, '1'));
    expect(() => partitionFor(root, 1)).toThrow(ChildNotFound);
    expect(partitionFor(root, 0).path).toBe('/sup/0');
    const stranger = await stage.start(stage.worker('s'), 'stranger');
    expect(() => partitionFor(stranger as never, 1)).toThrow(InvalidOption);
  });

  it('gives up as a supervisor does, with the intensity that it is told', async () => {
    const stage = new Stage();
    const child = () => ({ logic: stage.worker('w') });
    await stage.start(
      partitionSupervisor({ partitions: 2, child, intensity: 0, strategy: 'one_for_all' }),
    );
    await stage.end('crash', '/sup/0');
    expect(stage.reason('/sup')).toMatchObject({ type: 'shutdown' });
  });

  it('is refused with the option that is not allowed', () => {
    const field = (options: object) => {
      try {
        partitionSupervisor(options as never);
      } catch (error) {
        return (error as InvalidOption).field;
      }
      return undefined;
    };
    const child = () => ({ logic: shardLogic, input: { index: 0 } });
    for (const partitions of [0, -1, 1.5, '2', undefined])
      expect(field({ partitions, child })).toBe('partitions');
    expect(field({ partitions: 1 })).toBe('child');
    expect(field({ partitions: 1, child, autoShutdown: 'any_significant' })).toBe('autoShutdown');
    expect(field({ partitions: 1, child, autoShutdown: 'never' })).toBeUndefined();
    expect(field({ partitions: 1, child, intensity: -1 })).toBe('intensity');
    expect(field({ partitions: 1, child, periodMs: 0 })).toBe('periodMs');
    expect(field({ partitions: 1, child: () => ({}) })).toBe('child.logic');
  });
});

describe('the partition of a key', () => {
  it('is an integer modulo the number of partitions, without its sign', () => {
    expect([0, 1, 4, 5, 7, -1, -5].map((key) => partitionOf(key, 4))).toEqual([
      0, 1, 0, 1, 3, 1, 1,
    ]);
  });

  it('is the FNV-1a hash of a string, the same in every version', () => {
    // The published values of the 32-bit FNV-1a.
    expect(partitionOf('', 2 ** 32)).toBe(0x811c9dc5);
    expect(partitionOf('a', 2 ** 32)).toBe(0xe40c292c);
    expect(partitionOf('foobar', 2 ** 32)).toBe(0xbf9cf968);
    expect(partitionOf('foobar', 7)).toBe(0xbf9cf968 % 7);
  });

  test.prop([fc.oneof(fc.string(), fc.maxSafeInteger()), fc.integer({ min: 1, max: 64 })])(
    'is one of the partitions, whatever the key',
    (key, partitions) => {
      const index = partitionOf(key, partitions);
      expect(Number.isInteger(index) && index >= 0 && index < partitions).toBe(true);
    },
  );

  it('spreads keys over all partitions', () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let index = 0; index < 8_000; index += 1) counts[partitionOf(`user-${index}`, 8)]! += 1;
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(200);
  });

  it('refuses a key that is neither, and a number of partitions that is none', () => {
    for (const key of [0.5, NaN, Infinity, null, {}])
      expect(() => partitionOf(key as never, 2)).toThrow(InvalidOption);
    for (const partitions of [0, 1.5])
      expect(() => partitionOf(1, partitions)).toThrow(InvalidOption);
  });
});
