// `afterStart` is what OTP's `handle_continue` is after an `init`: a start that is over at once, and
// work that comes before any message.
import { describe, expect, it } from 'vitest';
import {
  AskedByStartingChild,
  child,
  fromHandler,
  supervisor,
  whichChildren,
  type AgentContext,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';
import { inspected, memoryLog } from './cast.ts';

type Note = { readonly type: 'note'; readonly text: string };
type Ctx = AgentContext<Note>;

/** An agent that writes down what it does. */
function agent(
  diary: string[],
  parts: Partial<Parameters<typeof fromHandler<number, Note>>[0]> = {},
) {
  return fromHandler<number, Note>({
    initial: () => 0,
    start: () => void diary.push('start'),
    receive: (count, { text }) => (diary.push(`${text} ${count}`), count + 1),
    ...parts,
  });
}

const note = (text: string): Note => ({ type: 'note', text });

describe('afterStart', () => {
  it('runs after the start and before any message, also one that was sent before the start', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(
      agent(diary, {
        start: (_count, ctx: Ctx) => {
          diary.push('start');
          ctx.send(ctx.self, note('to itself'));
        },
        afterStart: () => (diary.push('after'), 5),
      }),
    );
    ref.send(note('early'));
    await system.settle();
    expect(diary).toEqual(['start', 'after', 'early 5', 'to itself 6']);
  });

  it('needs no start hook', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const logic = fromHandler<number, Note>({
      initial: () => 1,
      afterStart: (count) => count + 1,
      receive: (count, { text }) => void diary.push(`${text} ${count}`),
    });
    system.spawn(logic).send(note('a'));
    await system.settle();
    expect(diary).toEqual(['a 2']);
  });

  it('is not waited for by whoever waits for the start: a supervisor goes on to the next child', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const slow = agent(diary, {
      *afterStart(count, ctx: Ctx) {
        diary.push('connecting');
        yield* ctx.sleep(1_000);
        diary.push('connected');
        return count;
      },
    });
    const next = agent(diary, { start: () => void diary.push('next') });
    const tree = supervisor({
      children: [child({ id: 'a', logic: slow }), child({ id: 'b', logic: next })],
    });
    const starting = system.start(tree, { id: 'sup' });
    await system.settle();
    await starting;
    expect(system.nowMs).toBe(0);
    expect(diary).toEqual(['start', 'connecting', 'next']);
    (system.ref('/sup/a') as ReturnType<typeof system.spawn<typeof slow>>).send(note('early'));
    await system.advance(999);
    expect(diary).toHaveLength(3);
    await system.advance(1);
    expect(diary.slice(3)).toEqual(['connected', 'early 0']);
  });

  it('may be async', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const logic = agent(diary, {
      afterStart: async (count, ctx: Ctx) => (await ctx.sleep(10), count + 7),
    });
    const ref = system.spawn(logic);
    ref.send(note('a'));
    await system.run(ref.started());
    expect(diary).toEqual(['start']);
    await system.advance(10);
    expect(diary).toEqual(['start', 'a 7']);
  });

  it('comes after a start that waits', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(
      agent(diary, {
        *start(_count, ctx: Ctx) {
          yield* ctx.sleep(10);
          diary.push('started');
          return 3;
        },
        afterStart: (count) => void diary.push(`after ${count}`),
      }),
    );
    ref.send(note('a'));
    await system.advance(9);
    expect(diary).toEqual([]);
    await system.advance(1);
    expect(diary).toEqual(['started', 'after 3', 'a 3']);
  });

  it('may ask its own supervisor, which its start may not', async () => {
    const system = createTestSystem();
    const seen: unknown[] = [];
    const asking = (when: 'start' | 'afterStart') =>
      fromHandler<undefined, Note>({
        async [when](_state: undefined, ctx: Ctx) {
          const children = whichChildren(ctx.parent as never);
          seen.push(
            await children.then(
              (list) => list.length,
              (error: unknown) => error,
            ),
          );
        },
        receive: () => undefined,
      });
    for (const when of ['start', 'afterStart'] as const) {
      await system.run(
        system.start(supervisor({ children: [child({ id: 'a', logic: asking(when) })] })),
      );
      await system.settle();
    }
    expect(seen).toEqual([expect.any(AskedByStartingChild), 1]);
  });

  it('that throws is a crash and no failed start: its supervisor starts it again, with another afterStart', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log });
    const diary: string[] = [];
    let tries = 0;
    const logic = agent(diary, {
      afterStart: () => {
        tries += 1;
        if (tries === 1) throw new Error('no connection');
        diary.push('connected');
      },
    });
    const sup = await system.run(
      system.start(supervisor({ children: [child({ id: 'a', logic })] }), { id: 'sup' }),
    );
    await system.settle();
    expect(diary).toEqual(['start', 'start', 'connected']);
    expect(lines.filter(({ message }) => message === 'agent crashed')).toMatchObject([
      { fields: { path: '/sup/a', incarnation: 1, err: { message: 'no connection' } } },
    ]);
    expect(system.deadLetters.total).toBe(0);
    expect(sup.getSnapshot().status).toBe('active');
  });

  it('does not run in an agent that ends with its start, or is stopped before', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const afterStart = () => void diary.push('after');
    const ending = system.spawn(
      agent(diary, { start: (_count, ctx: Ctx) => ctx.stop(), afterStart }),
    );
    await system.run(ending.result());
    const slow = system.spawn(
      agent(diary, {
        *start(_count, ctx: Ctx) {
          yield* ctx.sleep(10);
        },
        afterStart,
      }),
    );
    await system.settle();
    expect(await system.run(slow.stop())).toEqual({ type: 'shutdown' });
    expect(diary).toEqual([]);
  });

  it('is cut off by a stop while it waits, as a handler is', async () => {
    const system = createTestSystem();
    const diary: string[] = [];
    const ref = system.spawn(
      agent(diary, {
        *afterStart(_count, ctx: Ctx) {
          try {
            yield* ctx.sleep(60_000);
          } finally {
            diary.push('finally');
          }
        },
      }),
    );
    await system.run(ref.started());
    await system.settle();
    await system.run(ref.stop());
    expect(diary).toEqual(['start', 'finally']);
    expect(system.nowMs).toBe(0);
  });

  it('lets what it sends leave, and its state be seen, when it is over', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    await system.settle();
    const events = inspected(system);
    const ref = system.spawn(
      agent([], {
        *afterStart(_count, ctx: Ctx) {
          ctx.send(probe.ref, note('before the wait'));
          yield* ctx.sleep(10);
          ctx.send(probe.ref, note('after it'));
          return 9;
        },
      }),
    );
    expect((await probe.expectMessage('note')).text).toBe('before the wait');
    await probe.expectNoMessage();
    await system.advance(10);
    expect((await probe.expectMessage('note')).text).toBe('after it');
    expect(ref.getSnapshot().context).toBe(9);
    const seen = events.filter((event) => event.type === 'transitioned' && event.path === ref.path);
    expect(
      seen.map((event) => (event as { snapshot: { context: number } }).snapshot.context),
    ).toEqual([0, 9]);
  });
});
