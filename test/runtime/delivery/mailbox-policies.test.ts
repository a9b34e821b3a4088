import { describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';
import {
  ActorEnded,
  InvalidOption,
  MailboxFull,
  NoSuchActor,
  agentName,
  ask,
  fromHandler,
  type AgentContext,
  type DeadLetter,
  type Down,
  type MailboxOptions,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { createTestSystem, type TestSystem } from 'troupe/testing';

type Note = { readonly type: 'note'; readonly text: string };
type Got = { readonly type: 'got'; readonly text: string };
type Put = { readonly type: 'put'; readonly text: string; readonly replyTo: ReplyTo<Got> };
type Go = { readonly type: 'go' };

const note = (text: string): Note => ({ type: 'note', text });

interface Sink {
  readonly ref: Ref<Note | Put | Down>;
  readonly handled: string[];
}

/** An agent that notes what it handles, in order; it starts suspended, so that its mailbox fills up. */
async function suspendedSink(system: TestSystem, mailbox: MailboxOptions): Promise<Sink> {
  const handled: string[] = [];
  const ref: Ref<Note | Put | Down> = system.spawn(
    fromHandler({
      receive(_state: undefined, event: Note | Put | Down, ctx: AgentContext<Note | Put | Down>) {
        handled.push('text' in event ? event.text : event.type);
        if (event.type === 'put') ctx.reply(event, { type: 'got', text: event.text });
      },
    }),
    { id: 'sink', mailbox },
  );
  await system.settle();
  system.suspend(ref);
  await system.settle();
  return { ref, handled };
}

/** What became of asks: the text of the reply, or the code of the error. */
function outcomes(asks: readonly Promise<Got>[]): Promise<string[]> {
  return Promise.all(
    asks.map((asked) =>
      asked.then(
        ({ text }) => text,
        (error: { code: string }) => error.code,
      ),
    ),
  );
}

const letters = (system: TestSystem): string[] =>
  system.deadLetters.list().map(({ reason, message }: DeadLetter) => {
    const { text } = message as Note;
    return `${text}: ${reason}`;
  });

describe('at the bound', () => {
  const abcd = ['a', 'b', 'c', 'd'];

  it('"fail" refuses: a send becomes a dead letter', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 2, overflow: 'fail' });
    for (const text of abcd) sink.ref.send(note(text));
    expect(letters(system)).toEqual(['c: mailbox full', 'd: mailbox full']);
    expect(system.health().reasons).toEqual(['the mailbox of /sink is full']);
    system.resume(sink.ref);
    await system.settle();
    expect(sink.handled).toEqual(['a', 'b']);
  });

  it('"fail" is the default, and an ask fails at once with MailboxFull, which names the bound', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 2 });
    const asks = abcd.map((text) => sink.ref.ask({ type: 'put', text }));
    await expect(asks[2]).rejects.toBeInstanceOf(MailboxFull);
    await expect(asks[3]).rejects.toMatchObject({
      code: 'MAILBOX_FULL',
      fields: { address: 'local/sink', message: 'put', capacityMessages: 2 },
    });
    system.resume(sink.ref);
    expect(await system.run(outcomes(asks))).toEqual(['a', 'b', 'MAILBOX_FULL', 'MAILBOX_FULL']);
    expect(system.deadLetters.total).toBe(0);
  });

  it('"drop-newest" drops the newcomer: a send is a dead letter, an ask fails', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 2, overflow: 'drop-newest' });
    for (const text of ['a', 'b', 'c']) sink.ref.send(note(text));
    const asked = sink.ref.ask({ type: 'put', text: 'd' });
    expect(await outcomes([asked])).toEqual(['MAILBOX_FULL']);
    expect(letters(system)).toEqual(['c: displaced']);
    system.resume(sink.ref);
    await system.settle();
    expect(sink.handled).toEqual(['a', 'b']);
  });

  it('"drop-oldest" drops who waited longest: a send is a dead letter, an ask fails', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 2, overflow: 'drop-oldest' });
    const asked = sink.ref.ask({ type: 'put', text: 'a' });
    for (const text of ['b', 'c', 'd']) sink.ref.send(note(text));
    expect(await outcomes([asked])).toEqual(['MAILBOX_FULL']);
    expect(letters(system)).toEqual(['b: displaced']);
    system.resume(sink.ref);
    await system.settle();
    expect(sink.handled).toEqual(['c', 'd']);
  });

  it('"conflate" keeps the newest of each key, at the tail, and refuses what has no like', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, {
      capacityMessages: 2,
      overflow: { conflate: (message) => (message as Note).text.slice(0, 1) },
    });
    for (const text of ['a1', 'b1', 'a2', 'c1', 'b2', 'a3']) sink.ref.send(note(text));
    const asked = sink.ref.ask({ type: 'put', text: 'd1' });
    expect(await outcomes([asked])).toEqual(['MAILBOX_FULL']);
    expect(letters(system)).toEqual([
      'a1: displaced',
      'c1: mailbox full',
      'b1: displaced',
      'a2: displaced',
    ]);
    system.resume(sink.ref);
    await system.settle();
    expect(sink.handled).toEqual(['b2', 'a3']);
  });

  it('"conflate" with a key function that throws refuses the message and harms no sender', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, {
      capacityMessages: 1,
      overflow: {
        conflate: () => {
          throw new Error('no key');
        },
      },
    });
    const probe = system.probe<Note>();
    const sender = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Note, ctx: AgentContext<Note>) {
          ctx.send(sink.ref, event);
          ctx.send(probe.ref, event);
        },
      }),
    );
    for (const text of ['a', 'b', 'c']) sender.send(note(text));
    sink.ref.send(note('d'));
    await system.settle();
    expect(probe.messages.map(({ text }) => text)).toEqual(['a', 'b', 'c']);
    expect(letters(system)).toEqual(['a: mailbox full', 'b: mailbox full', 'c: mailbox full']);
  });

  it('the depth and the age of the oldest message are known', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 3 });
    sink.ref.send(note('a'));
    await system.advance(40);
    sink.ref.send(note('b'));
    expect(system.stats()).toMatchObject({
      queuedMessages: 2,
      deepestMailbox: { path: '/sink', messages: 2, oldestMs: 40 },
    });
  });
});

describe('"wait"', () => {
  /** Sends what it is told to, several in one step. */
  type Send = { readonly type: 'send'; readonly texts: readonly string[] };
  const sender = (to: Ref<Note>, after: string[] = []) =>
    fromHandler({
      receive(_state: undefined, event: Send, ctx: AgentContext<Send>) {
        for (const text of event.texts) ctx.send(to, note(text));
        after.push(`step of ${event.texts.join('')}`);
      },
    });

  it('suspends an agent that sends, with its outbox, and lets it go on in order', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 2, overflow: 'wait' });
    const probe = system.probe<Note>();
    const steps: string[] = [];
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Send, ctx: AgentContext<Send>) {
          steps.push(event.texts.join(''));
          for (const text of event.texts) ctx.send(sink.ref, note(text));
          ctx.send(probe.ref, note('behind'));
        },
      }),
    );
    agent.send({ type: 'send', texts: ['a', 'b', 'c', 'd'] });
    agent.send({ type: 'send', texts: ['e'] });
    await system.settle();
    expect(steps).toEqual(['abcd']);
    await probe.expectNoMessage();
    expect(system.deadLetters.total).toBe(0);
    system.resume(sink.ref);
    await system.settle();
    expect(sink.handled).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(probe.messages).toHaveLength(2);
  });

  it('admits waiting senders first come, first served', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    sink.ref.send(note('full'));
    for (const id of ['1', '2', '3']) {
      const agent = system.spawn(sender(sink.ref));
      agent.send({ type: 'send', texts: [`${id}a`, `${id}b`] });
      await system.settle();
    }
    system.resume(sink.ref);
    await system.settle();
    expect(sink.handled.slice(0, 4)).toEqual(['full', '1a', '2a', '3a']);
    expect(sink.handled.slice(4)).toEqual(['1b', '2b', '3b']);
  });

  it('suspends a machine as a sender in the same way', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    const machine = setup({ types: { events: {} as Send } }).createMachine({
      on: {
        send: { actions: ({ event }) => event.texts.forEach((text) => sink.ref.send(note(text))) },
      },
    });
    const agent = system.spawn(machine);
    agent.send({ type: 'send', texts: ['a', 'b'] });
    agent.send({ type: 'send', texts: ['c'] });
    await system.settle();
    expect(system.stats().deepestMailbox).toMatchObject({ messages: 1 });
    system.resume(sink.ref);
    await system.settle();
    expect(sink.handled).toEqual(['a', 'b', 'c']);
  });

  it('refuses a plain send from outside agents: who wants to wait uses offer', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    sink.ref.send(note('a'));
    sink.ref.send(note('b'));
    expect(letters(system)).toEqual(['b: mailbox full']);
  });

  it('makes an ask wait for a place, within its deadline', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    const asks = ['a', 'b', 'c'].map((text) => sink.ref.ask({ type: 'put', text }));
    const late = sink.ref.ask({ type: 'put', text: 'd' }, { timeoutMs: 10 });
    late.catch(() => undefined);
    await system.advance(20);
    await expect(late).rejects.toMatchObject({ code: 'ASK_TIMEOUT', progress: 'not delivered' });
    system.resume(sink.ref);
    expect(await system.run(outcomes(asks))).toEqual(['a', 'b', 'c']);
    expect(sink.handled).toEqual(['a', 'b', 'c']);
  });

  it('lets an agent whose ask waited for a place go on when the deadline has passed', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    sink.ref.send(note('full'));
    const caught: unknown[] = [];
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          try {
            yield* ctx.ask(sink.ref, { type: 'put', text: 'a' }, { timeoutMs: 10 });
          } catch (error) {
            caught.push(error);
          }
        },
      }),
    );
    asker.send({ type: 'go' });
    asker.send({ type: 'go' });
    await system.advance(30);
    expect(caught).toMatchObject([
      { code: 'ASK_TIMEOUT', progress: 'not delivered' },
      { code: 'ASK_TIMEOUT', progress: 'not delivered' },
    ]);
  });

  it('lets a machine whose ask waited for a place go on when the deadline has passed', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    sink.ref.send(note('full'));
    const machine = setup({
      actors: { put: ask(sink.ref, 'put', { timeoutMs: 10 }) },
    }).createMachine({
      initial: 'asking',
      states: {
        asking: { invoke: { src: 'put', input: { text: 'a' }, onDone: 'done', onError: 'failed' } },
        done: {},
        failed: {},
      },
    });
    const asker = system.spawn(machine);
    await system.advance(10);
    expect(asker.getSnapshot().value).toBe('failed');
  });

  it('does not let a handler go on while what it sent waits for room', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    sink.ref.send(note('full'));
    const steps: string[] = [];
    const agent = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          ctx.send(sink.ref, note('a'));
          yield* ctx.sleep(10);
          steps.push('on');
          ctx.send(sink.ref, note('b'));
        },
      }),
    );
    agent.send({ type: 'go' });
    await system.advance(50);
    expect(steps).toEqual([]);
    system.resume(sink.ref);
    await system.settle();
    expect(steps).toEqual(['on']);
    expect(sink.handled).toEqual(['full', 'a', 'b']);
  });

  it('keeps the order of what an async handler sends, also while its outbox waits for room', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    sink.ref.send(note('full'));
    const probe = system.probe<Note>();
    const agent = system.spawn(
      fromHandler({
        async receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          ctx.send(sink.ref, note('a'));
          ctx.send(probe.ref, note('1'));
          await ctx.sleep(10);
          ctx.send(probe.ref, note('2'));
          ctx.send(sink.ref, note('b'));
        },
      }),
    );
    agent.send({ type: 'go' });
    await system.advance(20);
    system.resume(sink.ref);
    await system.settle();
    expect(probe.messages.map(({ text }) => text)).toEqual(['1', '2']);
    expect(sink.handled).toEqual(['full', 'a', 'b']);
    expect(system.deadLetters.total).toBe(0);
  });

  it('lets a sender that waits still be stopped, killed and crashed; what it sent still arrives', async () => {
    for (const end of ['stop', 'kill', 'crash'] as const) {
      const system = createTestSystem();
      const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
      const agent = system.spawn(sender(sink.ref));
      agent.send({ type: 'send', texts: ['a', 'b', 'c'] });
      await system.settle();
      if (end === 'crash') await system.crash(agent);
      else await system.run(agent[end]());
      expect(system.nowMs).toBe(0);
      system.resume(sink.ref);
      await system.settle();
      expect(sink.handled).toEqual(['a', 'b', 'c']);
    }
  });

  it('keeps a Down behind what its agent sent and what still waits for room', async () => {
    for (const end of ['stop', 'kill'] as const) {
      const system = createTestSystem();
      const handled: string[] = [];
      let context: AgentContext<Note | Down> | undefined;
      const sink = system.spawn(
        fromHandler({
          start(_state: undefined, ctx: AgentContext<Note | Down>) {
            context = ctx;
          },
          receive(_state: undefined, event: Note | Down) {
            handled.push('text' in event ? event.text : event.type);
          },
        }),
        { mailbox: { capacityMessages: 1, overflow: 'wait' } },
      );
      await system.settle();
      const agent = system.spawn(sender(sink as unknown as Ref<Note>));
      context?.monitor(agent);
      system.suspend(sink);
      await system.settle();
      agent.send({ type: 'send', texts: ['a', 'b', 'c'] });
      await system.settle();
      await system.run(agent[end]());
      system.resume(sink);
      await system.settle();
      expect(handled).toEqual(['a', 'b', 'c', 'troupe.down']);
    }
  });

  it('does not hang an agent that sends to itself when it is full: the message is refused', async () => {
    const system = createTestSystem();
    let handled = 0;
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Note, ctx: AgentContext<Note>) {
          handled += 1;
          if (event.text !== 'start') return;
          for (const text of ['a', 'b', 'c']) ctx.send(ctx.self, note(text));
        },
      }),
      { mailbox: { capacityMessages: 2, overflow: 'wait' } },
    );
    agent.send(note('start'));
    await system.settle();
    expect(handled).toBe(3);
    expect(letters(system)).toEqual(['c: mailbox full']);
  });

  it('lets senders go on when the receiver ends, and says where their messages went', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    const after: string[] = [];
    const agent = system.spawn(sender(sink.ref, after));
    agent.send({ type: 'send', texts: ['a', 'b', 'c'] });
    agent.send({ type: 'send', texts: ['d'] });
    const asked = [1, 2].map((n) => sink.ref.ask({ type: 'put', text: `ask ${n}` }));
    const codes = outcomes(asked);
    await system.settle();
    await system.run(sink.ref.stop());
    await system.settle();
    expect(after).toEqual(['step of abc', 'step of d']);
    expect(letters(system).sort()).toEqual([
      'a: actor ended',
      'b: no such actor',
      'c: no such actor',
      'd: no such actor',
    ]);
    expect(await codes).toEqual(['ACTOR_ENDED', 'ACTOR_ENDED']);
  });

  it('makes offer from outside wait until there is room', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    const admitted: string[] = [];
    for (const text of ['a', 'b', 'c']) {
      void sink.ref.offer(note(text)).then(() => admitted.push(text));
    }
    await system.settle();
    expect(admitted).toEqual(['a']);
    system.resume(sink.ref);
    await system.settle();
    expect(admitted).toEqual(['a', 'b', 'c']);
    expect(sink.handled).toEqual(['a', 'b', 'c']);
  });

  it('lets an offer be aborted: its message never arrives, and others keep their place', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    const controller = new AbortController();
    const why = new Error('no longer');
    sink.ref.send(note('full'));
    const first = sink.ref.offer(note('a'), { signal: controller.signal });
    const second = sink.ref.offer(note('b'));
    controller.abort(why);
    await expect(first).rejects.toBe(why);
    await expect(sink.ref.offer(note('c'), { signal: controller.signal })).rejects.toBe(why);
    system.resume(sink.ref);
    await system.run(second);
    await system.settle();
    expect(sink.handled).toEqual(['full', 'b']);
    expect(system.deadLetters.total).toBe(0);
  });

  it.each<MailboxOptions>([
    { capacityMessages: 1, overflow: 'fail' },
    { capacityMessages: 1, overflow: 'drop-newest' },
    { capacityMessages: 1, overflow: { conflate: () => 'none' } },
  ])('rejects an offer that gets no place under %o', async (mailbox) => {
    const system = createTestSystem();
    const overflow = mailbox.overflow;
    const keys = ['first', 'other'];
    const sink = await suspendedSink(
      system,
      typeof overflow === 'object'
        ? { ...mailbox, overflow: { conflate: () => keys.shift() ?? '' } }
        : mailbox,
    );
    await sink.ref.offer(note('a'));
    const refused: unknown = await sink.ref.offer(note('b')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MailboxFull);
    expect(refused).toMatchObject({ fields: { address: 'local/sink', message: 'note' } });
    expect(system.deadLetters.total).toBe(1);
  });

  it('keeps an offer that got its place resolved when a later message displaces it', async () => {
    const system = createTestSystem();
    const mailbox: MailboxOptions = { capacityMessages: 1, overflow: 'drop-oldest' };
    const sink = await suspendedSink(system, mailbox);
    await sink.ref.offer(note('a'));
    await sink.ref.offer(note('b'));
    expect(letters(system)).toEqual(['a: displaced']);
  });

  it('rejects an offer to nobody, and one whose receiver ends while it waits', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    await sink.ref.offer(note('a'));
    const waiting = sink.ref.offer(note('b')).catch((error: unknown) => error);
    await system.run(sink.ref.stop());
    expect(await waiting).toBeInstanceOf(ActorEnded);
    expect(await waiting).toMatchObject({
      message: 'local/sink ended (shutdown) before it took "note"',
    });
    await expect(sink.ref.offer(note('c'))).rejects.toBeInstanceOf(NoSuchActor);
  });

  it('refuses an offer in a step, where a send waits by itself', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, {});
    const errors: unknown[] = [];
    const offering = system.spawn(
      fromHandler({
        receive(_state: undefined, _event: Go) {
          try {
            void sink.ref.offer(note('a'));
          } catch (error) {
            errors.push(error);
          }
        },
      }),
    );
    offering.send({ type: 'go' });
    await system.settle();
    expect(errors).toEqual([expect.any(InvalidOption)]);
    expect(errors).toMatchObject([{ field: 'offer' }]);
  });

  it('takes an abort after the place was got for nothing', async () => {
    const system = createTestSystem();
    const sink = await suspendedSink(system, { capacityMessages: 1, overflow: 'wait' });
    const controller = new AbortController();
    await sink.ref.offer(note('a'), { signal: controller.signal });
    controller.abort();
    system.resume(sink.ref);
    await system.settle();
    expect(sink.handled).toEqual(['a']);
  });
});

describe('a full mailbox', () => {
  it('never loses the timer of its agent', async () => {
    const system = createTestSystem();
    const handled: string[] = [];
    const agent = system.spawn(
      fromHandler({
        start(_state: undefined, ctx: AgentContext<Note>) {
          ctx.after(10, note('timer'));
        },
        receive(_state: undefined, event: Note) {
          handled.push(event.text);
        },
      }),
      { mailbox: { capacityMessages: 1, overflow: 'drop-oldest' } },
    );
    await system.settle();
    system.suspend(agent);
    await system.settle();
    agent.send(note('a'));
    await system.advance(10);
    agent.send(note('b'));
    agent.send(note('c'));
    system.resume(agent);
    await system.settle();
    expect(handled).toEqual(['timer', 'c']);
  });

  it('never loses a Down', async () => {
    const system = createTestSystem();
    const probe = system.probe();
    const sink = await suspendedSink(system, { capacityMessages: 1 });
    await system.settle();
    const watched = system.spawn(fromHandler({ receive: () => undefined }));
    // The sink watches it: by its context, which a message cannot give while it is suspended.
    system.monitor(watched, (down) => sink.ref.send(down));
    await system.run(watched.stop());
    sink.ref.send(note('a'));
    expect(system.deadLetters.total).toBe(1);
    await probe.expectNoMessage();

    const handled: string[] = [];
    const other = system.spawn(fromHandler({ receive: () => undefined }));
    const watching = system.spawn(
      fromHandler({
        start(_state: undefined, ctx: AgentContext<Note | Down>) {
          ctx.monitor(other);
        },
        receive(_state: undefined, event: Note | Down) {
          handled.push('text' in event ? event.text : event.type);
        },
      }),
      { mailbox: { capacityMessages: 1, overflow: 'drop-newest' } },
    );
    await system.settle();
    system.suspend(watching);
    await system.settle();
    watching.send(note('a'));
    await system.run(other.stop());
    system.resume(watching);
    await system.settle();
    expect(handled).toEqual(['a', 'troupe.down']);
  });

  it('never loses what a machine invoked has to tell, nor its after', async () => {
    for (const overflow of ['fail', 'drop-newest', 'drop-oldest', 'wait'] as const) {
      const system = createTestSystem();
      let finish: (() => void) | undefined;
      const machine = setup({
        types: { events: {} as Note },
        actors: {
          work: fromPromise(() => new Promise<void>((resolve) => (finish = resolve))),
        },
      }).createMachine({
        initial: 'working',
        on: { note: {} },
        states: {
          working: { invoke: { src: 'work', onDone: 'resting' } },
          resting: { after: { 10: 'rested' } },
          rested: {},
        },
      });
      const agent = system.spawn(machine, { mailbox: { capacityMessages: 1, overflow } });
      await system.settle();
      system.suspend(agent);
      await system.settle();
      agent.send(note('a'));
      finish?.();
      await system.settle();
      agent.send(note('b'));
      system.resume(agent);
      await system.settle();
      system.suspend(agent);
      await system.settle();
      agent.send(note('c'));
      await system.advance(10);
      agent.send(note('d'));
      system.resume(agent);
      await system.settle();
      expect(agent.getSnapshot().value).toBe('rested');
    }
  });
});

describe('ctx.postpone', () => {
  type Event = Note | Go | Put;
  const handled: string[] = [];
  const door = fromHandler({
    initial: (): { readonly open: boolean } => ({ open: false }),
    receive(state, event: Event, ctx: AgentContext<Event>) {
      if (event.type === 'go') return { open: !state.open };
      if (!state.open) {
        ctx.postpone();
        return state;
      }
      handled.push(event.text);
      if (event.type === 'put') ctx.reply(event, { type: 'got', text: event.text });
      return state;
    },
  });

  it('keeps messages until the state changes; then they come in order, ahead of newer ones', async () => {
    handled.length = 0;
    const system = createTestSystem();
    const agent = system.spawn(door);
    for (const text of ['a', 'b']) agent.send(note(text));
    const asked = agent.ask({ type: 'put', text: 'c' });
    await system.settle();
    expect(handled).toEqual([]);
    agent.send({ type: 'go' });
    for (const text of ['d', 'e']) agent.send(note(text));
    expect((await system.run(asked)).text).toBe('c');
    await system.settle();
    expect(handled).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('says "queued" of a postponed request whose deadline passes, and it is not seen again', async () => {
    handled.length = 0;
    const system = createTestSystem();
    const agent = system.spawn(door);
    const asked = agent.ask({ type: 'put', text: 'a' }, { timeoutMs: 10 });
    await expect(system.run(asked)).rejects.toMatchObject({ progress: 'queued' });
    agent.send({ type: 'go' });
    await system.settle();
    expect(handled).toEqual([]);
  });

  it('has a bound of its own: one more is refused', async () => {
    handled.length = 0;
    const system = createTestSystem();
    const agent = system.spawn(door, { mailbox: { capacityPostponed: 2 } });
    for (const text of ['a', 'b', 'c']) agent.send(note(text));
    const asked = agent.ask({ type: 'put', text: 'd' });
    const refused: unknown = await system.run(asked.catch((error: unknown) => error));
    expect(refused).toBeInstanceOf(MailboxFull);
    expect(refused).toMatchObject({
      message: expect.stringContaining('(capacityPostponed: 2 messages)'),
      fields: { capacityPostponed: 2 },
    });
    expect(letters(system)).toEqual(['c: mailbox full']);
    agent.send({ type: 'go' });
    await system.settle();
    expect(handled).toEqual(['a', 'b']);
  });

  it('with a change of state in the same turn tries the message again in the new state', async () => {
    const system = createTestSystem();
    const seen: string[] = [];
    const agent = system.spawn(
      fromHandler({
        initial: () => 'closed',
        receive(state: string, event: Note, ctx: AgentContext<Note>) {
          seen.push(`${event.text} when ${state}`);
          if (state === 'open') return undefined;
          ctx.postpone();
          return 'open';
        },
      }),
    );
    agent.send(note('a'));
    agent.send(note('b'));
    await system.settle();
    expect(seen).toEqual(['a when closed', 'a when open', 'b when open']);
  });

  it('of what has no place in the order of messages is refused: a timer of its own, a Down', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        start(_state: undefined, ctx: AgentContext<Note>) {
          ctx.after(10, note('timer'));
        },
        receive: (_state: undefined, _event: Note, ctx: AgentContext<Note>) => ctx.postpone(),
      }),
    );
    await system.advance(10);
    await expect(agent.result()).rejects.toMatchObject({
      reason: { type: 'crash', error: { code: 'INVALID_OPTION' } },
    });
  });

  it('fails what is postponed when the agent ends', async () => {
    const system = createTestSystem();
    const agent = system.spawn(door);
    const asked = agent.ask({ type: 'put', text: 'a' });
    asked.catch(() => undefined);
    agent.send(note('b'));
    await system.settle();
    await system.crash(agent);
    await expect(asked).rejects.toMatchObject({ code: 'ACTOR_ENDED', reason: { type: 'crash' } });
    expect(letters(system)).toEqual(['b: actor ended']);
  });
});

describe('a restart', () => {
  it('of a receiver keeps what waits, for room too, or clears it, as its mailbox says', async () => {
    for (const onRestart of ['keep', 'clear'] as const) {
      const system = createTestSystem();
      const handled: string[] = [];
      const Child = agentName<Ref<Note>>('child');
      const child = fromHandler({
        receive(_state: undefined, event: Note) {
          if (event.text === 'crash') throw new Error('crash');
          handled.push(event.text);
        },
      });
      system.spawn(
        fromHandler({
          start(_state: undefined, ctx: AgentContext<Down>) {
            ctx.spawn(child, {
              name: Child,
              hold: true,
              monitor: true,
              mailbox: { capacityMessages: 2, overflow: 'wait', onRestart },
            });
          },
          *receive(_state: undefined, event: Down, ctx: AgentContext<Down>) {
            yield* ctx.sleep(10);
            yield* ctx.restart(event.ref);
          },
        }),
      );
      await system.settle();
      const ref = system.whereis(Child) as Ref<Note>;
      const offers = ['crash', 'a', 'b'].map((text) => ref.offer(note(text)));
      const settled = Promise.allSettled(offers);
      await system.settle();
      await system.advance(10);
      ref.send(note('c'));
      await system.settle();
      expect(handled).toEqual(onRestart === 'keep' ? ['a', 'b', 'c'] : ['c']);
      const places = (await settled).map(({ status }) => status === 'fulfilled');
      expect(places).toEqual(onRestart === 'keep' ? [true, true, true] : [true, true, false]);
    }
  });

  it('of a sender starts with no room to wait for: the line that its former life stands in is not its own', async () => {
    const system = createTestSystem();
    const mailbox = { capacityMessages: 1, overflow: 'wait' } as const;
    const one = await suspendedSink(system, mailbox);
    const two = system.spawn(
      fromHandler({ receive: (_state: undefined, _event: Note) => undefined }),
      { mailbox },
    );
    await system.settle();
    system.suspend(two);
    await system.settle();
    const probe = system.probe<Note>();
    const Child = agentName<Ref<Note>>('child');
    const child = fromHandler({
      receive(_state: undefined, event: Note, ctx: AgentContext<Note>) {
        const to = (event.text === 'one' ? one.ref : two) as Ref<Note>;
        for (const text of ['a', 'b']) ctx.send(to, note(text));
        ctx.send(probe.ref, note(event.text));
      },
    });
    system.spawn(
      fromHandler({
        start(_state: undefined, ctx: AgentContext<Down>) {
          ctx.spawn(child, { name: Child, hold: true, monitor: true });
        },
        *receive(_state: undefined, event: Down, ctx: AgentContext<Down>) {
          yield* ctx.restart(event.ref);
        },
      }),
    );
    await system.settle();
    const ref = system.whereis(Child) as Ref<Note>;
    ref.send(note('one'));
    await system.settle();
    await system.crash(ref);
    ref.send(note('two'));
    await system.settle();
    system.resume(one.ref);
    await system.settle();
    expect(one.handled).toEqual(['a', 'b']);
    expect(probe.messages.map(({ text }) => text)).toEqual(['one']);
    system.resume(two);
    await system.settle();
    expect(probe.messages.map(({ text }) => text)).toEqual(['one', 'two']);
  });
});
