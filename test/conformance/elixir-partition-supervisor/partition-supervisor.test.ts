// Elixir's partition_supervisor_test, by behaviour: one test for each that has a meaning here. The
// behaviours are ported; no test code is copied.
//
// Left out: `resize!`, and with it zero partitions, for the options of a running supervisor cannot be
// changed; `with_arguments` is the function that makes the specs.
import {
  InvalidOption,
  NoSuchActor,
  countChildren,
  dynamicSupervisor,
  fromHandler,
  partitionFor,
  partitionOf,
  partitionSupervisor,
  startChild,
  supervisor,
  whichChildren,
  child,
} from 'troupe';
import { describe, expect, it } from 'vitest';
import { Stage } from '../../supervision/cast.ts';

describe('PartitionSupervisor', () => {
  it('N copies of one spec, each under its number', async () => {
    const stage = new Stage();
    const logic = partitionSupervisor({
      partitions: 3,
      child: () => ({ logic: stage.worker('w') }),
    });
    const root = await stage.start(logic);
    expect(await stage.which(root)).toEqual(['2 running', '1 running', '0 running']);
    expect(await stage.run(countChildren(root))).toEqual({
      specs: 3,
      active: 3,
      supervisors: 0,
      workers: 3,
    });
  });

  it('with_arguments gives each its number', async () => {
    const stage = new Stage();
    const got: number[] = [];
    const logic = fromHandler({
      initial: (index: number) => void got.push(index),
      receive: () => undefined,
    });
    const child = (index: number) => ({ logic, input: index * 10 });
    await stage.start(partitionSupervisor({ partitions: 3, child }));
    expect(got).toEqual([0, 10, 20]);
  });

  it('routes by integer mod N, or by hash', async () => {
    const stage = new Stage();
    const logic = partitionSupervisor({
      partitions: 3,
      child: () => ({ logic: stage.worker('w') }),
    });
    const root = await stage.start(logic);
    stage.system.register('shards', root);
    const at = (key: number | string) => partitionFor(stage.system, 'shards', key).path;
    expect([0, 1, 2, 3, 4, -1].map(at)).toEqual([
      '/sup/0',
      '/sup/1',
      '/sup/2',
      '/sup/0',
      '/sup/1',
      '/sup/1',
    ]);
    for (const key of ['a', 'b', '']) expect(at(key)).toBe(`/sup/${partitionOf(key, 3)}`);
  });

  it('partitions of dynamic supervisors share the starts of children', async () => {
    const stage = new Stage();
    const root = await stage.start(
      partitionSupervisor({ partitions: 2, child: () => ({ logic: dynamicSupervisor() }) }),
    );
    for (const key of [0, 1, 2, 3])
      await stage.run(startChild(partitionFor(root, key), stage.spec(`w${key}`)));
    expect(stage.lives('/sup/0/w0', '/sup/1/w1', '/sup/0/w2', '/sup/1/w3')).toEqual([1, 1, 1, 1]);
    expect(await stage.run(countChildren(root))).toMatchObject({ supervisors: 2, workers: 0 });
  });

  it('can be supervised itself, and is stopped with its partitions', async () => {
    const stage = new Stage();
    const logic = partitionSupervisor({
      partitions: 2,
      child: () => ({ logic: stage.worker('w') }),
    });
    const root = await stage.start(
      supervisor({ children: [child({ id: 'shards', logic, name: 'shards' })] }),
    );
    const [shards] = await stage.run(whichChildren(root));
    expect(shards).toMatchObject({ id: 'shards', type: 'supervisor' });
    expect(partitionFor(stage.system, 'shards', 5).path).toBe('/sup/shards/1');
    await stage.run(root.stop());
    expect(stage.system.stats().agents).toBe(0);
  });

  it('a partition is restarted, and its siblings are not', async () => {
    const stage = new Stage();
    const child = (index: number) => ({ logic: stage.worker(`${index}`) });
    await stage.start(partitionSupervisor({ partitions: 2, child }));
    await stage.end('crash', '/sup/1');
    expect(stage.lives('/sup/0', '/sup/1')).toEqual([1, 2]);
  });

  it('a lookup by a name that nobody has throws', () => {
    const stage = new Stage();
    expect(() => partitionFor(stage.system, 'nobody', 0)).toThrow(NoSuchActor);
  });

  it('zero partitions and other bad options are refused, and auto_shutdown must be never', () => {
    const stage = new Stage();
    const given = { partitions: 1, child: () => ({ logic: stage.worker('w') }) };
    for (const bad of [
      { partitions: 0 },
      { partitions: 'two' },
      { child: { logic: stage.worker('w') } },
      { strategy: 'one' },
      { intensity: -1 },
      { periodMs: 0 },
      { autoShutdown: 'all_significant' },
    ])
      expect(() => partitionSupervisor({ ...given, ...bad } as never)).toThrow(InvalidOption);
    expect(() => partitionSupervisor(undefined as never)).toThrow(InvalidOption);
  });
});
