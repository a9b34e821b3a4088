// Two nodes in network namespaces of their own, with a wire between them that is cut, cut one way
// only, made slow and healed; what both sides see is recorded. Needs Linux, root and `ip` of
// iproute2; skipped, with the reason, where that is not there.

import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endAll, start, type NodeProcess } from './node-process.ts';

const run = (command: string): string => {
  const [file = '', ...args] = command.split(' ');
  return execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe' });
};

/** Why there can be no namespaces here; undefined when there can. */
function whyNot(): string | undefined {
  const probe = `tp${process.pid % 100_000}`;
  try {
    run(`ip netns add ${probe}`);
    run(`ip link add ${probe}a type veth peer name ${probe}b`);
    run(`ip link delete ${probe}a`);
    run(`ip netns delete ${probe}`);
    return undefined;
  } catch (error) {
    return (error as Error).message.trim().split('\n').at(-1);
  }
}

const reason = whyNot();
if (reason !== undefined) console.warn(`partitions are not tested here: ${reason}`);

const SIDES = ['one', 'two'] as const;
type Side = (typeof SIDES)[number];
const at = { one: '10.77.0.1', two: '10.77.0.2' };
const space = (side: Side): string => `troupe-${process.pid}-${side}`;
const wire = (side: Side): string => `tr${process.pid % 100_000}${side === 'one' ? 'a' : 'b'}`;
const within = (side: Side, command: string): string =>
  run(`ip netns exec ${space(side)} ${command}`);
const other = (side: Side): Side => (side === 'one' ? 'two' : 'one');

/** What comes from a side leaves for nobody: the other one hears no more of it, and nobody is told. */
function mute(side: Side): void {
  const nobody = '02:00:00:00:00:99';
  within(
    side,
    `ip neigh replace ${at[other(side)]} lladdr ${nobody} nud permanent dev ${wire(side)}`,
  );
}

function unmute(side: Side): void {
  within(side, `ip neigh delete ${at[other(side)]} dev ${wire(side)}`);
}

describe.skipIf(reason !== undefined)('a partition between two machines', () => {
  let one: NodeProcess;
  let two: NodeProcess;

  beforeEach(async () => {
    for (const side of SIDES) run(`ip netns add ${space(side)}`);
    run(`ip link add ${wire('one')} type veth peer name ${wire('two')}`);
    for (const side of SIDES) {
      run(`ip link set ${wire(side)} netns ${space(side)}`);
      within(side, `ip address add ${at[side]}/24 dev ${wire(side)}`);
      within(side, `ip link set ${wire(side)} up`);
      within(side, 'ip link set lo up');
    }
    const inSpace = (side: Side): string[] => ['ip', 'netns', 'exec', space(side)];
    ({ node: one } = await start('one', `${at.one}:7000`, [], inSpace('one')));
    const seed = `ws://${at.one}:7000`;
    ({ node: two } = await start('two', `${at.two}:7000`, [seed], inSpace('two')));
    await one.hears({ told: 'nodeup', node: 'two' });
    await two.hears({ told: 'nodeup', node: 'one' });
    for (const [node, to] of [
      [one, 'two'],
      [two, 'one'],
    ] as const) {
      node.order({ do: 'monitor', at: to });
      node.order({ do: 'hold', at: to });
      await node.hears({ told: 'held' });
    }
  });

  afterEach(async () => {
    await endAll();
    for (const side of SIDES) run(`ip netns delete ${space(side)}`);
  });

  /** What a side tells of the loss of the other, in order. */
  async function losesTheOther(node: NodeProcess): Promise<void> {
    // An ask tells its asker with a promise, and so a moment later.
    const told = await node.until('ask');
    const inOrder = told.map(({ told: what }) => what).filter((what) => what !== 'suspect');
    expect(inOrder).toEqual(['down', 'nodedown', 'ask']);
    for (const { told: what, reason: why, type } of told) {
      if (what === 'down') expect(why).toBe('noconnection');
      if (what === 'ask') expect(type).toBe('noconnection');
    }
  }

  /** Both sides have each other again, and use each other. */
  async function areLinked(): Promise<void> {
    await one.hears({ told: 'nodeup', node: 'two' });
    await two.hears({ told: 'nodeup', node: 'one' });
    one.order({ do: 'ring', ring: ['two'] });
    expect(await one.hears({ told: 'went' })).toMatchObject({ by: ['one', 'two'] });
  }

  it(
    'that is whole: both sides lose the other, each once, and have it again when it heals',
    { timeout: 120_000 },
    async () => {
      for (const side of SIDES) mute(side);
      await Promise.all([losesTheOther(one), losesTheOther(two)]);
      for (const side of SIDES) unmute(side);
      await areLinked();
    },
  );

  it.each(SIDES)(
    'that is one way only, from %s: both sides lose the other all the same',
    { timeout: 120_000 },
    async (side) => {
      mute(side);
      await Promise.all([losesTheOther(one), losesTheOther(two)]);
      unmute(side);
      await areLinked();
    },
  );

  it(
    'that is only slow: what is too much for it is refused, nobody is lost, and all that was sent arrives',
    { timeout: 120_000 },
    async () => {
      within('one', `tc qdisc add dev ${wire('one')} root tbf rate 8mbit burst 32kb latency 400ms`);
      one.order({ do: 'flood', at: 'two', count: 400 });
      const { refused } = await one.hears({ told: 'flooded' });
      expect(refused).toBeGreaterThan(0);
      two.order({ do: 'count', count: 400 - Number(refused) });
      await two.hears({ told: 'counted' });
      one.order({ do: 'ring', ring: ['two'] });
      expect(await one.hears({ told: 'went' })).toMatchObject({ by: ['one', 'two'] });
      expect([...one.heard, ...two.heard]).not.toContain('nodedown');
    },
  );
});
