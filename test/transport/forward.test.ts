// A request that is handed on over nodes has one owner, or its asker is told: whatever breaks, and
// whenever, it is answered or failed exactly once, and nobody is left with it.

import { ActorEnded, fromHandler, type Ref, type ReplyTo, type System } from 'troupe';
import type { ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, outcome } from './cast.ts';

type Job = {
  type: 'job';
  way: readonly string[];
  keepMs: number;
  replyTo: ReplyTo<{ type: 'done'; by: string }>;
};
type Event = Job | { type: 'finish' };

const WAY_MS = 10;
const LINKS = [
  ['a', 'b'],
  ['b', 'c'],
  ['a', 'c'],
] as const;

let stage: Stage;
let nodes: { system: System; node: ClusterNode }[];
/** Which agents have begun to handle the request, in order. */
let took: string[];

/** Hands a request on along its way; the last one keeps it for a while, then answers. */
const relay = (node: ClusterNode) =>
  fromHandler<{ kept: Job | undefined }, Event>({
    initial: () => ({ kept: undefined }),
    receive: (state, event, ctx) => {
      if (event.type === 'finish') {
        ctx.reply(state.kept!, { type: 'done', by: ctx.self.address });
        return;
      }
      took.push(ctx.self.address);
      const [next, ...way] = event.way;
      if (next !== undefined) ctx.forward(node.ref(next) as Ref<Event>, { ...event, way });
      else {
        ctx.defer(event);
        state.kept = event;
        ctx.after(event.keepMs, { type: 'finish' });
      }
    },
  });

beforeEach(async () => {
  stage = new Stage();
  nodes = [];
  took = [];
  for (const name of ['a', 'b', 'c']) {
    const seeds = nodes.map(({ node }) => `memory:${node.name}`);
    const joined = await stage.join(name, { seeds });
    joined.system.spawn(relay(joined.node), { id: 'relay' });
    nodes.push(joined);
    await stage.advance(10);
  }
  for (const [one, other] of LINKS)
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const)
      stage.network.way(from, to).delayMs = WAY_MS;
});
afterEach(() => stage.stop());

/** How many agents owe the answer now. */
const owners = (): number =>
  nodes
    .flatMap(({ system }) => system.agents())
    .reduce((sum, { obligations }) => sum + obligations.length, 0);

describe.each([
  ['to a third node', ['b/relay', 'c/relay']],
  ['back to the node of the asker', ['b/relay', 'a/relay']],
  ['round and to the third', ['b/relay', 'a/relay', 'c/relay']],
])('a request that is handed on %s', (_, [first, ...way]) => {
  /** Asks, lets something happen after so many milliseconds, and gives what the asker was told. */
  async function ask(afterMs: number, happen: () => void): Promise<string[]> {
    const told: string[] = [];
    const target = nodes[0]!.node.ref(first!) as Ref<Event>;
    target.ask({ type: 'job', way, keepMs: 3 * WAY_MS }, { timeoutMs: 60_000 }).then(
      ({ by }) => told.push(`done ${by}`),
      (error: unknown) =>
        told.push(error instanceof ActorEnded ? error.reason.type : (error as Error).name),
    );
    for (let ms = 0; ms < 200; ms += 1) {
      if (ms === afterMs) happen();
      await stage.advance(1);
      expect(owners()).toBeLessThanOrEqual(1);
    }
    await stage.advance(40_000);
    return told;
  }

  it('is answered by the last of them', async () => {
    expect(await ask(0, () => undefined)).toEqual([`done ${way.at(-1)!}`]);
    expect(took).toEqual([first, ...way]);
  });

  const moments = Array.from({ length: 11 }, (__, index) => index * 8);
  it.each(LINKS.flatMap((link) => moments.map((atMs) => [...link, atMs] as const)))(
    'is answered, or failed with noconnection, once: %s and %s part after %i ms',
    async (one, other, atMs) => {
      const told = await ask(atMs, () => stage.network.sever(one, other));
      expect(told).toHaveLength(1);
      expect([`done ${way.at(-1)!}`, 'noconnection']).toContain(told[0]);
      // Nobody begins it a second time, and nobody is left with it.
      expect(new Set(took).size).toBe(took.length);
      expect(owners()).toBe(0);
      for (const { system } of nodes) expect(system.stats().openRequests).toBe(0);
    },
  );

  it.each(LINKS.flatMap((link) => [0, 8, 16, 24, 32, 48].map((atMs) => [...link, atMs] as const)))(
    'is answered, or failed with noconnection, once: all between %s and %s is lost from %i ms on',
    async (one, other, atMs) => {
      const told = await ask(atMs, () => stage.network.cut(one, other));
      expect(told).toHaveLength(1);
      expect([`done ${way.at(-1)!}`, 'noconnection']).toContain(told[0]);
      expect(new Set(took).size).toBe(took.length);
      for (const { system } of nodes) expect(system.stats().openRequests).toBe(0);
    },
  );
});

describe('a request that was handed on twice over nodes', () => {
  it('is taken from whoever has it when its asker is lost on the way back', async () => {
    const target = nodes[0]!.node.ref('b/relay') as Ref<Event>;
    const asked = outcome(target.ask({ type: 'job', way: ['c/relay'], keepMs: 50_000 }));
    await stage.advance(5 * WAY_MS);
    expect(owners()).toBe(1);
    stage.network.sever('a', 'b');
    await stage.advance(5 * WAY_MS);
    expect(asked.error).toMatchObject({ reason: { type: 'noconnection' } });
    // It does not work on for nobody: c has not lost a link, and is told.
    expect(owners()).toBe(0);
  });
});
