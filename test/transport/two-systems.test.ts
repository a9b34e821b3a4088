// Two systems of one process: a ref of the one is, in the other, the ref of another node's agent.

import {
  fromHandler,
  type AgentContext,
  type Down,
  type Exit,
  type Ref,
  type System,
} from 'troupe';
import type { ClusterNode } from 'troupe/transport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, echo, outcome, type EchoEvent } from './cast.ts';

type UseEvent = { type: 'use' };
type Use = (ctx: AgentContext<UseEvent | Exit>) => void;

let stage: Stage;
let noted: unknown[];
let thrown: string[];

/** An agent that does something with refs in a step. */
function using(use: Use) {
  return fromHandler<undefined, UseEvent | Exit>({
    receive: (_state, event, ctx) => {
      if (event.type !== 'use') return;
      try {
        use(ctx);
      } catch (error) {
        thrown.push((error as Error).message);
      }
    },
  });
}

/** Uses a ref in a step of an agent of the system. */
async function use(system: System, what: Use): Promise<void> {
  system.spawn(using(what), { id: 'user', trapExit: true }).send({ type: 'use' });
  await stage.advance(10);
}

beforeEach(() => {
  stage = new Stage();
  noted = [];
  thrown = [];
});
afterEach(() => stage.stop());

describe('two systems that are linked', () => {
  let here: { system: System; node: ClusterNode };
  let ref: Ref<EchoEvent>;
  let frames: number;

  beforeEach(async () => {
    const there = await stage.join('there');
    here = await stage.join('here', { seeds: ['memory:there'] });
    ref = there.system.spawn(echo(noted), { id: 'echo' });
    await stage.advance(10);
    frames = 0;
    stage.network.way('here', 'there').loses = (bytes) => {
      if (bytes[0] === 1) frames += 1;
      return false;
    };
  });

  it.each<[string, (ref: Ref<EchoEvent>) => Use]>([
    ['ctx.send', (to) => (ctx) => ctx.send(to, { type: 'note', value: 1 })],
    ['ref.send', (to) => () => to.send({ type: 'note', value: 1 })],
  ])('send over the network: %s', async (_, what) => {
    await use(here.system, what(ref));
    expect(noted).toEqual([1]);
    expect(frames).toBe(1);
  });

  it('ask, monitor, link and stop over the network', async () => {
    const downs: Down[] = [];
    let asked: { value?: unknown } = {};
    let stopped: { error?: Error } = {};
    here.system.monitor(ref, (down) => downs.push(down));
    await use(here.system, (ctx) => {
      ctx.link(ref);
      asked = outcome(ref.ask({ type: 'echo', value: 2 }));
    });
    expect(asked.value).toEqual({ type: 'echoed', value: 2 });
    expect(frames).toBeGreaterThanOrEqual(2);
    here.system
      .spawn(
        using(() => (stopped = outcome(ref.stop()))),
        { id: 'stopper' },
      )
      .send({ type: 'use' });
    await stage.advance(10);
    // The allow-list holds for it, too.
    expect(stopped.error).toMatchObject({ code: 'NOT_ALLOWED' });
    stage.network.sever('here', 'there');
    await stage.settle();
    expect(downs).toMatchObject([{ reason: { type: 'noconnection' } }]);
  });

  it('do not look into each other', async () => {
    await use(here.system, () => void ref.getSnapshot());
    expect(thrown).toEqual([expect.stringContaining('needs a local agent; there/echo is remote')]);
  });
});

describe('two nodes with the same name', () => {
  it('refuse a ref of each other, and name both', async () => {
    const here = await stage.join('here');
    const there = stage.system('here');
    const ref = there.spawn(echo(noted), { id: 'echo' });
    const uses: Use[] = [
      (ctx) => ctx.send(ref, { type: 'crash' }),
      (ctx) => ctx.link(ref),
      () => ref.send({ type: 'crash' }),
      () => void here.system.monitor(ref, () => undefined),
    ];
    for (const what of uses) {
      await use(here.system, what);
      void here.system.ref('here/user').kill();
      await stage.advance(10);
    }
    expect(thrown).toHaveLength(4);
    for (const message of thrown) {
      expect(message).toContain('here/echo, a ref of another system');
      expect(message).toContain('a ref of this system "here"');
    }
    expect(there.agents()).toHaveLength(1);
  });
});

describe('two systems that are alone', () => {
  it('reach each other at once: there is no network between them', async () => {
    const there = stage.system('there');
    const ref = there.spawn(echo(noted), { id: 'echo' });
    await use(stage.system('here'), (ctx) => ctx.send(ref, { type: 'note', value: 3 }));
    expect(noted).toEqual([3]);
  });
});
