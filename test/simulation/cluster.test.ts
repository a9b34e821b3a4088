// The protocol between nodes, explored: every frame is an event, and links lose, double, reorder and
// are cut. What the transport promises must hold in every schedule.

import { describe, expect, it } from 'vitest';
import { fromHandler, type Down, type Exit, type Ref, type ReplyTo } from 'troupe';
import { explore, type Faults, type Scenario, type Stage } from 'troupe/simulation';

const LINKS = ['edge<->core'];
const WAYS = ['edge>core', 'core>edge'];
const SPLIT = { groups: [['edge'], ['core']], max: 1 };

/** What may go wrong on the way, alone and together. */
const troubles: Record<string, Faults> = {
  nothing: {},
  loss: { drop: { on: WAYS, max: 2 } },
  duplication: { duplicate: { on: WAYS, max: 1 } },
  reordering: { reorder: { on: WAYS, max: 1 } },
  cuts: { cut: { on: LINKS, max: 2 } },
  'a partition': { partition: SPLIT },
  'a partition that loses': { partition: { ...SPLIT, loses: true } },
  everything: {
    drop: { on: WAYS, max: 1 },
    duplicate: { on: WAYS, max: 1 },
    reorder: { on: WAYS, max: 1 },
    cut: { on: LINKS, max: 1 },
    partition: { ...SPLIT, loses: true },
  },
};

type Note = { readonly type: 'note'; readonly number: number };
type Work = Note | { readonly type: 'end' };
type Question = { readonly type: 'ask'; readonly replyTo: ReplyTo<{ type: 'answer' }> };

/** Keeps the numbers that it is told; ends when it is told to. */
const noting = fromHandler<readonly number[], Work>({
  initial: () => [],
  receive: (noted, event, ctx) => {
    if (event.type === 'note') return [...noted, event.number];
    ctx.stop('done');
    return noted;
  },
});

const far = <TEvent extends { type: string }>(stage: Stage, from: string, address: string) =>
  stage.at(from).node.ref(address) as Ref<TEvent>;

/** What a scenario of these tests comes to, with some faults. */
function found(scenario: Scenario, faults: Faults = {}): string {
  const { verdict, failure } = explore({ links: LINKS, faults, ...scenario }, { schedules: 80 });
  return failure === undefined ? 'well' : `${verdict}: ${failure.violation.message}`;
}

/** A sends three numbers to B, on the other node. */
const numbers: Scenario = {
  invariant: {
    'in order, at most once': (world) => {
      const noted = world.state<readonly number[]>('B');
      return noted.every((number, index) => index === 0 || number > noted[index - 1]!);
    },
  },
  setup(stage) {
    stage.at('core').spawn(noting, { id: 'B' });
    const b = far<Note>(stage, 'edge', 'core/B');
    const a = stage
      .at('edge')
      .spawn(
        fromHandler<undefined, Note>({ receive: (_state, event, ctx) => ctx.send(b, event) }),
        { id: 'A' },
      );
    for (const number of [1, 2, 3]) stage.send(a, { type: 'note', number });
  },
};

/** A watches B and is linked with C, and both end by what they are told; or the connection does. */
const watching: Scenario = {
  eventually: {
    'one Down and one exit signal': (world) => {
      const told = world.state<readonly string[]>('A');
      return told.toSorted().join() === 'troupe.down,troupe.exit';
    },
  },
  invariant: {
    'no more than one of each': (world) => {
      if (!world.isAlive('A')) return true;
      const told = world.state<readonly string[]>('A');
      return new Set(told).size === told.length;
    },
  },
  setup(stage) {
    const core = stage.at('core');
    const b = core.spawn(noting, { id: 'B' });
    const c = core.spawn(noting, { id: 'C' });
    stage.at('edge').spawn(
      fromHandler<readonly string[], Down | Exit>({
        initial: () => [],
        start: (told, ctx) => {
          ctx.monitor(far(stage, 'edge', 'core/B'));
          ctx.link(far(stage, 'edge', 'core/C'));
          return told;
        },
        receive: (told, { type }) => [...told, type],
      }),
      { id: 'A', trapExit: true },
    );
    core.send(b, { type: 'end' });
    core.send(c, { type: 'end' });
  },
};

/** A client asks B, which answers. That the request is settled at all is checked by itself. */
const asking: Scenario = {
  invariant: {
    'settled once': (world) => world.state<number>('S') <= 1,
  },
  eventually: {
    settled: (world) => world.state<number>('S') === 1,
  },
  setup(stage) {
    stage.at('core').spawn(
      fromHandler<undefined, Question>({
        receive: (_state, event, ctx) => ctx.reply(event, { type: 'answer' }),
      }),
      { id: 'B' },
    );
    const edge = stage.at('edge');
    const settled = edge.spawn(
      fromHandler<number, { type: 'settled' }>({ initial: () => 0, receive: (count) => count + 1 }),
      { id: 'S' },
    );
    const b = far<Question>(stage, 'edge', 'core/B');
    edge.client('A', function* (ctx) {
      try {
        yield* ctx.ask(b, { type: 'ask' });
      } catch {
        // That it failed is an outcome, too.
      }
      ctx.send(settled, { type: 'settled' });
    });
  },
};

/** What code outside agents sees of a node: its ups and downs, and the ends that it watches. */
const lossOfANode: Scenario = {
  invariant: {
    'up and down in turn, and all that was open ends before': (world) => {
      void world;
      return isWell(seen);
    },
  },
  setup(stage) {
    seen = [];
    const { system, node } = stage.at('edge');
    const watch = (connection: number): void =>
      void system.monitor(far(stage, 'edge', 'core/B'), () => seen.push(`end ${connection}`));
    let connection = 0;
    stage.at('core').spawn(noting, { id: 'B' });
    watch(connection);
    node.on('nodeup', () => {
      connection += 1;
      seen.push(`up ${connection}`);
      watch(connection);
    });
    node.on('nodedown', () => seen.push(`down ${connection}`));
  },
};
let seen: string[] = [];

/** Each connection is up, then its watch ends, then it is down, then the next may be up. */
function isWell(events: readonly string[]): boolean {
  const expected = events.map((_, index) => {
    const connection = Math.floor((index + 1) / 3);
    return [`end ${connection}`, `down ${connection}`, `up ${connection}`][index % 3];
  });
  return events.join() === expected.join();
}

/** Each node has a member; both know both in the end. */
const groups: Scenario = {
  eventually: {
    'both nodes know both members': (world) =>
      ['edge', 'core'].every((name) => {
        const members = world.node(name).group('g').members();
        return (
          members
            .map(({ address }) => address)
            .toSorted()
            .join() === 'core/B,edge/A'
        );
      }),
  },
  setup(stage) {
    for (const [name, id] of [
      ['edge', 'A'],
      ['core', 'B'],
    ] as const) {
      const { node, spawn } = stage.at(name);
      node.group('g').join(spawn(noting, { id }));
    }
  },
};

describe.each(Object.entries(troubles))('with %s on the link', (_, faults) => {
  it('messages of a pair arrive in order, at most once', () => {
    expect(found(numbers, faults)).toBe('well');
  });

  it('a monitor is told once, and so is a link', () => {
    expect(found(watching, faults)).toBe('well');
  });

  it('a request is settled once', () => {
    expect(found(asking, faults)).toBe('well');
  });

  it('a node is down after all that was open over it has ended, and before it is up again', () => {
    expect(found(lossOfANode, faults)).toBe('well');
  });

  it('groups converge', () => {
    expect(found(groups, faults)).toBe('well');
  });
});

describe('a simulated cluster', () => {
  it('carries every message when nothing goes wrong', () => {
    const all = (world: { state<T>(agent: string): T }): boolean =>
      world.state<readonly number[]>('B').join() === '1,2,3';
    expect(found({ ...numbers, eventually: { all } })).toBe('well');
    // And is not blind: what is lost is missed.
    const lossy = found({ ...numbers, eventually: { all } }, { drop: { on: WAYS, max: 1 } });
    expect(lossy).toBe('SAFETY: at the end "all" does not hold');
  });

  it('is explained frame by frame, and comes again by its token', () => {
    const scenario: Scenario = {
      ...numbers,
      links: LINKS,
      faults: { cut: { on: LINKS, max: 1 } },
      eventually: { all: (world) => world.state<readonly number[]>('B').length === 3 },
    };
    const { failure } = explore(scenario, { schedules: 80 });
    expect(failure?.minimal?.case.faults).toEqual(['cut edge>core:link#1']);
    expect(failure?.minimal?.violation.message).toBe('at the end "all" does not hold');
  });

  it.each([
    [{ links: ['edge>core'] }, 'scenario.links'],
    [{ links: LINKS, faults: { cut: { on: LINKS, max: -1 } } }, 'scenario.faults.cut.max'],
  ])('refuses what is no cluster: %j', (wrong, field) => {
    expect(() => explore({ setup: () => undefined, ...wrong })).toThrow(field);
  });

  it('refuses a node that is in no link, and two agents at one path', () => {
    const setup = (name: string) => (stage: Stage) => {
      for (const at of ['edge', name]) stage.at(at).spawn(noting, { id: 'A' });
      stage.ask(stage.system.ref('/A'), { type: 'end' });
    };
    expect(() => explore({ links: LINKS, setup: setup('cellar') })).toThrow('edge, core');
    expect(() => explore({ links: LINKS, setup: setup('core') })).toThrow('edge/A and core/A');
  });
});
