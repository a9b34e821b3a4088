import {
  InvalidOption,
  child,
  dynamicSupervisor,
  partitionSupervisor,
  supervisor,
  worstCase,
  type ChildSpecOptions,
  type Restart,
  type SupervisorOptions,
} from 'troupe';
import type { AnyActorLogic } from 'xstate';
import { describe, expect, it } from 'vitest';
import { Stage } from './cast.ts';

const stage = new Stage();
const worker = stage.spec('w');
const worker2 = stage.spec('w2');

type Parts = Partial<SupervisorOptions>;

const over = (
  logic: AnyActorLogic,
  parts: Parts = {},
  spec: Partial<ChildSpecOptions<AnyActorLogic>> = {},
) => supervisor({ ...parts, children: [child({ id: 'inner', logic, ...spec })] });

const concerns = (logic: object) =>
  worstCase(logic).warnings.map(({ concern, path }) => `${concern} ${path}`);

describe('the worst case of a tree', () => {
  it('of one supervisor is one crash more than it allows, within its period', () => {
    const found = worstCase(supervisor({ intensity: 3, periodMs: 100, children: [worker] }));
    expect(found).toEqual({
      chains: [
        {
          path: '/top',
          falls: '/top',
          levels: [{ path: '/top', intensity: 3, periodMs: 100, endsToGiveUp: 4 }],
          crashes: 4,
          burstMs: 100,
        },
      ],
      warnings: [],
      text: '/top: 4 crashes, within 100 ms at most, bring down /top',
    });
  });

  it('multiplies along a chain: three levels of the defaults fall with the 8th crash', async () => {
    const tree = () => over(over(supervisor({ children: [stage.spec('w')] })));
    const { chains, text } = worstCase(tree(), { id: 'sup' });
    expect(chains).toMatchObject([
      { path: '/sup/inner/inner', falls: '/sup', crashes: 8, burstMs: 15_000 },
    ]);
    expect(text).toContain(
      '/sup/inner/inner: 8 crashes (2 × 2 × 2), within 15000 ms at most, bring down /sup',
    );

    const tried = new Stage();
    await tried.start(tree());
    for (let crash = 1; crash <= 8; crash += 1) {
      expect(tried.reason('/sup')).toBeUndefined();
      await tried.end('crash', '/sup/inner/inner/w');
    }
    expect(tried.reason('/sup')).toMatchObject({ type: 'shutdown' });
  });

  it('is as long as it says: a burst at its full length brings the tree down, and a longer one does not', async () => {
    const tree = over(supervisor({ periodMs: 100, children: [worker] }), { periodMs: 1_000 });
    expect(worstCase(tree).chains[0]).toMatchObject({ crashes: 4, burstMs: 1_100 });
    const fallsAfter = async (lastMs: number) => {
      const tried = new Stage();
      await tried.start(tree);
      for (const gapMs of [0, 100, lastMs, 0]) {
        await tried.system.advance(gapMs);
        await tried.end('crash', '/sup/inner/w');
      }
      return tried.reason('/sup') !== undefined;
    };
    expect(await fallsAfter(1_000)).toBe(true);
    expect(await fallsAfter(1_001)).toBe(false);
  });

  it('is told for every supervisor that has workers, or gets them on request', () => {
    const tree = supervisor({
      intensity: 4,
      children: [
        worker,
        child({ id: 'pool', logic: dynamicSupervisor({ intensity: 9 }) }),
        child({
          id: 'shards',
          logic: partitionSupervisor({ partitions: 2, child: () => ({ logic: worker.logic }) }),
        }),
        child({
          id: 'none',
          logic: supervisor({ children: [stage.spec('t', { restart: 'temporary' })] }),
        }),
      ],
    });
    const { chains } = worstCase(tree);
    expect(chains.map(({ path, crashes }) => [path, crashes])).toEqual([
      ['/top', 5],
      ['/top/pool', 50],
      ['/top/shards', 10],
    ]);
  });

  it('counts the limit of a child below the intensity, however slowly its crashes come', () => {
    const tree = supervisor({
      intensity: 9,
      children: [stage.spec('w', { restartsMax: 2 }), worker2],
    });
    expect(worstCase(tree).chains).toMatchObject([{ crashes: 3, burstMs: Infinity }]);
    expect(worstCase(tree).text).toContain('3 crashes, however slow, bring down /top');
  });

  it('ends at a supervisor that nobody restarts, and warns of it', () => {
    for (const restart of ['transient', 'temporary'] satisfies Restart[]) {
      const tree = over(supervisor({ intensity: 2, children: [worker] }), {}, { restart });
      expect(worstCase(tree).chains).toMatchObject([
        { path: '/top/inner', falls: '/top/inner', crashes: 3 },
      ]);
      expect(concerns(tree)).toEqual(['stays down /top/inner']);
      expect(worstCase(tree).text).toContain(`! /top/inner: stays down: is ${restart}`);
    }
  });

  it('goes on over a significant supervisor, whose end is its supervisor’s', () => {
    const inner = supervisor({ intensity: 2, children: [worker] });
    const spec = { restart: 'transient', significant: true } as const;
    for (const autoShutdown of ['any_significant', 'all_significant'] as const) {
      const tree = over(inner, { intensity: 5, autoShutdown }, spec);
      expect(worstCase(tree).chains).toMatchObject([{ falls: '/top', crashes: 3, burstMs: 5_000 }]);
      expect(concerns(tree)).toEqual([]);
    }
    const two = supervisor({
      autoShutdown: 'all_significant',
      children: ['a', 'b'].map((id) => child({ id, logic: inner, ...spec })),
    });
    expect(concerns(two)).toEqual(['stays down /top/a', 'stays down /top/b']);
  });

  it('warns of equal intensities on all levels, and of too many crashes', () => {
    const inner = supervisor({ intensity: 9, children: [worker] });
    expect(concerns(over(inner, { intensity: 9 }))).toEqual(['equal intensities /top/inner']);
    expect(concerns(over(inner, { intensity: 8 }))).toEqual([]);
    const deep = over(over(inner, { intensity: 9 }), { intensity: 10 });
    expect(concerns(deep)).toEqual(['too many crashes /top/inner/inner']);
    expect(worstCase(deep, { crashesMax: 1_100 }).warnings).toEqual([]);
  });

  it('warns of a worker that is given for ever to end', () => {
    const children = [
      stage.spec('w', { shutdown: 'infinity' }),
      child({ id: 'pool', logic: dynamicSupervisor() }),
    ];
    expect(concerns(supervisor({ intensity: 2, children }))).toEqual([
      'worker without a grace /top/w',
    ]);
  });

  it('warns of options that it cannot know', () => {
    const late = supervisor(() => ({ children: [worker] }));
    expect(concerns(late)).toEqual(['options unknown /top']);
    expect(concerns(over(late))).toEqual(['options unknown /top/inner']);
    expect(worstCase(over(late)).chains).toEqual([]);
  });

  it('is refused for what is no logic, and with the option that is not allowed', () => {
    expect(() => worstCase({})).toThrow(InvalidOption);
    for (const [field, options] of [
      ['crashesMax', { crashesMax: 0 }],
      ['id', { id: 'a/b' }],
      ['worstCase.crashMax', { crashMax: 5 }],
      ['worstCase', null],
    ] as const)
      expect(() => worstCase(dynamicSupervisor(), options as never)).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION', field }) as Error,
      );
  });
});
