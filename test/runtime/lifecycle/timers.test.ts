import { describe, expect, it } from 'vitest';
import { fromHandler } from 'troupe';
import { createTestSystem } from 'troupe/testing';
import { notesOf, puppet, spawnPuppet, tell, type PuppetContext } from './cast.ts';

/** A system with one puppet, and the times at which it handles `tick`. */
function stage() {
  const system = createTestSystem();
  const times: number[] = [];
  const act = (body: (ctx: PuppetContext) => void) =>
    tell(ref, (ctx) => {
      body(ctx);
    });
  const ref = spawnPuppet(system, 'a');
  /** The event of a timer: notes the time when it is handled, after a wait if there is one. */
  const tick = (waitMs = 0) => ({
    type: 'do' as const,
    act: function* (ctx: PuppetContext) {
      times.push(system.nowMs);
      if (waitMs > 0) yield* ctx.sleep(waitMs);
    },
  });
  return { system, ref, times, act, tick };
}

describe('after', () => {
  it('sends its event once, when the delay is over and not before', async () => {
    const { system, times, act, tick } = stage();
    act((ctx) => void ctx.after(100, tick()));
    await system.advance(99);
    expect(times).toEqual([]);
    await system.advance(1);
    await system.advance(1_000);
    expect(times).toEqual([100]);
    expect(system.stats().timers).toBe(0);
  });

  it('of 0 ms comes in a turn of its own', async () => {
    const { system, ref, act } = stage();
    act((ctx) => void ctx.after(0, { type: 'note', text: 'timer' }));
    ref.send({ type: 'note', text: 'message' });
    await system.advance(0);
    expect(notesOf(ref)).toEqual(['message', 'timer']);
  });

  it('of Infinity never comes', async () => {
    const { system, times, act, tick } = stage();
    act((ctx) => void ctx.after(Infinity, tick()));
    await system.advance(1e9);
    expect(times).toEqual([]);
  });

  it('gives each timer without an id one of its own', async () => {
    const { system, times, act, tick } = stage();
    const ids: string[] = [];
    act((ctx) => {
      ids.push(ctx.after(10, tick(), { id: 't2' }));
      for (let i = 0; i < 3; i += 1) ids.push(ctx.after(10, tick()));
    });
    await system.advance(10);
    expect(new Set(ids).size).toBe(4);
    expect(times.length).toBe(4);
  });

  it('with the id of an earlier one replaces it', async () => {
    const { system, ref, act } = stage();
    act((ctx) => {
      ctx.after(10, { type: 'note', text: 'earlier' }, { id: 'x' });
      ctx.after(20, { type: 'note', text: 'later' }, { id: 'x' });
    });
    await system.advance(100);
    expect(notesOf(ref)).toEqual(['later']);
  });

  it('with the id of one that has fired and waits replaces that too', async () => {
    const { system, ref, act } = stage();
    await system.settle();
    act((ctx) => void ctx.after(10, { type: 'note', text: 'earlier' }, { id: 'x' }));
    await system.settle();
    tell(ref, function* (ctx) {
      yield* ctx.sleep(15);
      ctx.after(20, { type: 'note', text: 'later' }, { id: 'x' });
    });
    await system.advance(100);
    expect(notesOf(ref)).toEqual(['later']);
  });

  it('can be set again under its own id by the handler of its event', async () => {
    const { system, times } = stage();
    const ref = system.spawn(
      fromHandler({
        start: (_state, ctx) => void ctx.after(10, { type: 'again' } as never, { id: 'x' }),
        receive: (_state: undefined, event: { type: 'again' }, ctx) => {
          times.push(system.nowMs);
          ctx.after(10, event, { id: 'x' });
        },
      }),
    );
    await system.advance(35);
    expect(times).toEqual([10, 20, 30]);
    await system.run(ref.kill());
  });

  it('comes in due order, and in the order of the calls when due together', async () => {
    const { system, ref, act } = stage();
    act((ctx) => {
      ctx.after(20, { type: 'note', text: 'c' });
      ctx.after(10, { type: 'note', text: 'a' });
      ctx.after(10, { type: 'note', text: 'b' });
    });
    await system.advance(50);
    expect(notesOf(ref)).toEqual(['a', 'b', 'c']);
  });
});

describe('a timer that is cancelled', () => {
  it('is not seen', async () => {
    const { system, ref, act } = stage();
    act((ctx) => void ctx.after(10, { type: 'note', text: 'x' }, { id: 'x' }));
    await system.settle();
    const cancelled: boolean[] = [];
    act((ctx) => cancelled.push(ctx.cancel('x'), ctx.cancel('x'), ctx.cancel('never')));
    await system.advance(100);
    expect(notesOf(ref)).toEqual([]);
    expect(cancelled).toEqual([true, false, false]);
  });

  it('is not seen even when it has fired and waits in the mailbox', async () => {
    const { system, ref, act } = stage();
    act((ctx) => void ctx.after(10, { type: 'note', text: 'x' }, { id: 'x' }));
    const cancelled: boolean[] = [];
    tell(ref, function* (ctx) {
      yield* ctx.sleep(50);
      cancelled.push(ctx.cancel('x'));
    });
    await system.advance(100);
    expect(notesOf(ref)).toEqual([]);
    expect(cancelled).toEqual([true]);
  });

  it('ends an interval too, also from its own handler', async () => {
    const { system, times, act, tick } = stage();
    let left = 3;
    act((ctx) => {
      ctx.every(
        10,
        {
          type: 'do',
          act: (inner) => {
            times.push(system.nowMs);
            if ((left -= 1) === 0) inner.cancel('i');
          },
        },
        { id: 'i' },
      );
      void tick;
    });
    await system.advance(30);
    // At once, and not only when it would have been due again.
    expect(system.stats().timers).toBe(0);
    await system.advance(1_000);
    expect(times).toEqual([10, 20, 30]);
  });
});

describe('every', () => {
  it('sends its event again and again', async () => {
    const { system, times, act, tick } = stage();
    act((ctx) => void ctx.every(100, tick()));
    await system.advance(350);
    expect(times).toEqual([100, 200, 300]);
  });

  it('counts its delay from the end of one handling to the next', async () => {
    const { system, times, act, tick } = stage();
    act((ctx) => void ctx.every(100, tick(30)));
    await system.advance(400);
    expect(times).toEqual([100, 230, 360]);
  });

  it('never piles up while the agent is slow', async () => {
    const { system, times, act, tick } = stage();
    act((ctx) => void ctx.every(10, tick(1_000)));
    await system.advance(2_500);
    expect(times).toEqual([10, 1_020, 2_030]);
    expect(system.stats().queuedMessages).toBe(0);
  });

  it('never piles up while the agent is suspended', async () => {
    const { system, ref, times, act, tick } = stage();
    act((ctx) => void ctx.every(10, tick()));
    await system.settle();
    system.suspend(ref);
    await system.advance(1_005);
    system.resume(ref);
    await system.settle();
    expect(times).toEqual([1_005]);
    await system.advance(10);
    expect(times).toEqual([1_005, 1_015]);
  });

  it('ends with its agent', async () => {
    const { system, ref, times, act, tick } = stage();
    act((ctx) => void ctx.every(10, tick()));
    await system.advance(15);
    await system.run(ref.stop());
    expect(system.stats().timers).toBe(0);
    await system.advance(100);
    expect(times).toEqual([10]);
  });
});

describe('idle', () => {
  it('sends its event when no message has come for that long', async () => {
    const { system, ref, times, act, tick } = stage();
    act((ctx) => ctx.idle(100, tick()));
    await system.advance(60);
    ref.send({ type: 'note', text: 'x' });
    await system.advance(60);
    ref.send({ type: 'note', text: 'y' });
    await system.advance(99);
    expect(times).toEqual([]);
    await system.advance(1);
    expect(times).toEqual([220]);
  });

  it('comes once per quiet time, and again after the next message', async () => {
    const { system, ref, times, act, tick } = stage();
    act((ctx) => ctx.idle(100, tick()));
    await system.advance(500);
    expect(times).toEqual([100]);
    ref.send({ type: 'note', text: 'x' });
    await system.advance(500);
    expect(times).toEqual([100, 600]);
  });

  it('is not put off by other timers of the agent', async () => {
    const { system, ref, act } = stage();
    act((ctx) => {
      ctx.every(40, { type: 'note', text: 'tick' }, { id: 'e' });
      ctx.idle(100, { type: 'note', text: 'idle' });
    });
    await system.advance(100);
    expect(notesOf(ref)).toEqual(['tick', 'tick', 'idle']);
    await system.run(ref.kill());
  });

  it('is not seen when a message came after it had fired and before it was handled', async () => {
    const { system, ref, act } = stage();
    act((ctx) => ctx.idle(100, { type: 'note', text: 'idle' }));
    await system.settle();
    tell(ref, function* (ctx) {
      yield* ctx.sleep(150);
    });
    await system.settle();
    await system.advance(50);
    ref.send({ type: 'note', text: 'message' });
    await system.advance(150);
    expect(notesOf(ref)).toEqual(['message']);
    await system.advance(50);
    expect(notesOf(ref)).toEqual(['message', 'idle']);
  });

  it('with another delay replaces the one before', async () => {
    const { system, times, act, tick } = stage();
    act((ctx) => {
      ctx.idle(10, tick());
      ctx.idle(50, tick());
    });
    await system.advance(100);
    expect(times).toEqual([50]);
  });
});

describe('sleep', () => {
  it('waits, deaf to messages, and goes on with them afterwards', async () => {
    const { system, ref } = stage();
    const diary: string[] = [];
    tell(ref, function* (ctx) {
      yield* ctx.sleep(100);
      diary.push(`woke at ${system.nowMs}`);
    });
    tell(ref, () => void diary.push('next'));
    await system.advance(99);
    expect(diary).toEqual([]);
    await system.advance(1);
    expect(diary).toEqual(['woke at 100', 'next']);
  });

  it('ends with its agent and leaves no timer', async () => {
    const { system, ref } = stage();
    tell(ref, function* (ctx) {
      yield* ctx.sleep(1e6);
    });
    await system.settle();
    await system.run(ref.kill());
    expect(system.stats().timers).toBe(0);
  });

  it('works in an async handler', async () => {
    const { system, ref } = stage();
    tell(ref, async (ctx) => {
      await ctx.sleep(100);
      return ['slept'];
    });
    await system.advance(100);
    expect(notesOf(ref)).toEqual(['slept']);
  });
});

describe('the timers of an agent', () => {
  it('all end with a crash', async () => {
    const { system, ref, act, tick } = stage();
    act((ctx) => {
      ctx.after(10, tick());
      ctx.every(10, tick());
      ctx.idle(10, tick());
    });
    await system.settle();
    expect(system.stats().timers).toBe(3);
    ref.send({ type: 'boom' });
    await system.settle();
    expect(system.stats().timers).toBe(0);
  });

  it('end when their life begins to stop, and are not seen by it any more', async () => {
    const system = createTestSystem();
    const ref = system.spawn(
      puppet({
        stop: (_reason, ctx) => ctx.sleep(100).then(() => undefined),
      }),
      { shutdown: 'infinity' },
    );
    tell(ref, (ctx) => void ctx.every(10, { type: 'note', text: 'tick' }));
    await system.advance(15);
    void ref.stop();
    await system.settle();
    // Only the sleep of its stop hook is left.
    expect(system.stats().timers).toBe(1);
    await system.advance(200);
    expect(notesOf(ref)).toEqual(['tick']);
  });

  it('are exempt from the bound of the mailbox', async () => {
    const system = createTestSystem();
    const ref = system.spawn(puppet(), { mailbox: { capacityMessages: 1 } });
    tell(ref, (ctx) => void ctx.after(10, { type: 'note', text: 'timer' }));
    await system.settle();
    system.suspend(ref);
    ref.send({ type: 'note', text: '1' });
    ref.send({ type: 'note', text: 'refused' });
    await system.advance(10);
    system.resume(ref);
    await system.settle();
    expect(notesOf(ref)).toEqual(['1', 'timer']);
  });
});
