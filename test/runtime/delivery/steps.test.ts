import { fc } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import {
  ActorEnded,
  fromHandler,
  here,
  reply,
  type AgentContext,
  type ExitReason,
  type InspectionEvent,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Note = { readonly type: 'note'; readonly text: string };
type Go = { readonly type: 'go' };
type Pong = { readonly type: 'pong' };
type Ping = { readonly type: 'ping'; readonly replyTo: ReplyTo<Pong> };

const boom = new Error('boom');
const note = (text: string): Note => ({ type: 'note', text });
const texts = (notes: readonly Note[]): string[] => notes.map(({ text }) => text);

describe('a step', () => {
  it('lets its sends leave when it ends, not before', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>('probe');
    const order: string[] = [];
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          ctx.send(probe.ref, note('a'));
          probe.ref.send(note('b'));
          order.push('the step ends');
        },
      }),
    );
    system.inspect((event) => {
      if (event.type === 'delivered' && event.path === probe.ref.path) {
        order.push((event.message as Note).text);
      }
    });
    agent.send({ type: 'go' });
    await system.settle();
    expect(order).toEqual(['the step ends', 'a', 'b']);
  });

  it('of a generator handler ends where the handler waits, and its sends leave there', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const agent = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          ctx.send(probe.ref, note('before'));
          yield* ctx.sleep(100);
          ctx.send(probe.ref, note('after'));
        },
      }),
    );
    agent.send({ type: 'go' });
    await system.settle();
    expect(texts(probe.messages)).toEqual(['before']);
    await system.advance(100);
    expect(texts(probe.messages)).toEqual(['before', 'after']);
  });

  it('that crashes in a function agent has sent nothing', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          ctx.send(probe.ref, note('a'));
          probe.ref.send(note('b'));
          throw boom;
        },
      }),
    );
    agent.send({ type: 'go' });
    await system.settle();
    await expect(agent.result()).rejects.toMatchObject({ reason: { type: 'crash', error: boom } });
    await probe.expectNoMessage();
  });

  it('that crashes after a wait takes back its own sends, not those of the step before', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const agent = system.spawn(
      fromHandler({
        *receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          ctx.send(probe.ref, note('before'));
          yield* ctx.sleep(100);
          ctx.send(probe.ref, note('after'));
          throw boom;
        },
      }),
    );
    agent.send({ type: 'go' });
    await system.advance(100);
    expect(texts(probe.messages)).toEqual(['before']);
  });

  it('that crashes in start has sent nothing', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const agent = system.spawn(
      fromHandler({
        start(_state: undefined, ctx: AgentContext<Go>) {
          ctx.send(probe.ref, note('a'));
          throw boom;
        },
        receive() {},
      }),
    );
    await expect(system.run(agent.started())).rejects.toMatchObject({
      code: 'START_FAILED',
      cause: boom,
    });
    await probe.expectNoMessage();
  });

  it('that crashes in a custom action of a machine has sent nothing', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const machine = setup({ types: { events: {} as Go } }).createMachine({
      initial: 'idle',
      states: {
        idle: {
          on: {
            go: {
              target: 'gone',
              actions: [
                () => probe.ref.send(note('by the ref')),
                () => here().send(probe.ref, note('by the context')),
              ],
            },
          },
        },
        gone: {
          entry: () => {
            throw boom;
          },
        },
      },
    });
    const agent = system.spawn(machine);
    agent.send({ type: 'go' });
    await system.settle();
    await expect(agent.result()).rejects.toMatchObject({ reason: { type: 'crash', error: boom } });
    await probe.expectNoMessage();
  });

  it('that crashes in the entry of a machine at its start has sent nothing', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const machine = setup({ types: { events: {} as Go } }).createMachine({
      entry: [
        () => probe.ref.send(note('a')),
        () => {
          throw boom;
        },
      ],
    });
    const agent = system.spawn(machine);
    await expect(system.run(agent.started())).rejects.toMatchObject({ cause: boom });
    await probe.expectNoMessage();
  });

  it('that crashes fails the asks it made, and their requests never arrive', async () => {
    const system = createTestSystem();
    const probe = system.probe<Ping>();
    let asked: Promise<Pong> | undefined;
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          asked = probe.ref.ask({ type: 'ping' });
          asked.catch(() => undefined);
          ctx.ask(probe.ref, { type: 'ping' });
          throw boom;
        },
      }),
    );
    agent.send({ type: 'go' });
    await system.settle();
    await expect(asked).rejects.toBeInstanceOf(ActorEnded);
    await expect(asked).rejects.toMatchObject({ reason: { type: 'crash', error: boom } });
    await probe.expectNoMessage();
    expect(system.requests()).toEqual([]);
  });

  it('that crashes after its reply has not replied: the ask fails with the crash', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Ping, ctx: AgentContext<Ping>) {
          ctx.reply(event, { type: 'pong' });
          throw boom;
        },
      }),
    );
    await expect(system.run(agent.ask({ type: 'ping' }))).rejects.toMatchObject({
      code: 'ACTOR_ENDED',
      cause: boom,
    });
  });

  it('that crashes has emitted nothing', async () => {
    const system = createTestSystem();
    const emitted: string[] = [];
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Note, ctx: AgentContext<Note, Note>) {
          ctx.emit(event);
          if (event.text === 'boom') throw boom;
        },
      }),
    );
    agent.on('*', (event) => emitted.push((event as Note).text));
    agent.send(note('well'));
    agent.send(note('boom'));
    await system.settle();
    expect(emitted).toEqual(['well']);
  });
});

describe('the end of an agent', () => {
  it('comes after its reply: the asker has the answer before the Down', async () => {
    const system = createTestSystem();
    const order: string[] = [];
    const target = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Ping, ctx: AgentContext<Ping>) {
          ctx.reply(event, { type: 'pong' });
          ctx.stop();
        },
      }),
    );
    const asker = system.spawn(
      fromHandler({
        *receive(_state: undefined, event: Go | { type: 'troupe.down' }, ctx: AgentContext<Go>) {
          if (event.type === 'troupe.down') {
            order.push('down');
            return;
          }
          ctx.monitor(target);
          const answer = yield* ctx.ask(target, { type: 'ping' });
          order.push(answer.type);
        },
      }),
    );
    asker.send({ type: 'go' });
    await system.settle();
    expect(order).toEqual(['pong', 'down']);
  });

  it('comes after what it sent in its last step, also when that is a reply of a machine that is done', async () => {
    const system = createTestSystem();
    const order: string[] = [];
    const machine = setup({ types: { events: {} as Ping } }).createMachine({
      initial: 'open',
      states: {
        open: { on: { ping: { target: 'closed', actions: reply({ type: 'pong' }) } } },
        closed: { type: 'final' },
      },
    });
    const agent = system.spawn(machine);
    system.monitor(agent, ({ reason }) => order.push(reason.type));
    system.inspect((event) => {
      if (event.type === 'settled') order.push(event.outcome);
    });
    await system.run(agent.ask({ type: 'ping' }));
    await system.settle();
    expect(order).toEqual(['answered', 'normal']);
  });

  it('lets the sends of an async cleanup arrive in order, before the Down', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note | { type: 'troupe.down'; reason: ExitReason }>();
    await system.settle();
    const agent = system.spawn(
      fromHandler({
        receive() {},
        async stop(_state: undefined, _reason, ctx) {
          ctx.send(probe.ref, note('1'));
          await Promise.resolve();
          ctx.send(probe.ref, note('2'));
        },
      }),
    );
    probe.context.monitor(agent);
    await system.run(agent.stop());
    await system.settle();
    expect(probe.messages.map((m) => (m.type === 'note' ? m.text : m.type))).toEqual([
      '1',
      '2',
      'troupe.down',
    ]);
  });
});

describe('order', () => {
  type Numbered = { readonly type: 'numbered'; readonly from: number; readonly number: number };

  it('is kept between one sender and one receiver, however turns interleave', async () => {
    const shape = fc.record({
      senders: fc.integer({ min: 1, max: 4 }),
      receivers: fc.integer({ min: 1, max: 3 }),
      rounds: fc.integer({ min: 1, max: 6 }),
      perStep: fc.integer({ min: 1, max: 4 }),
      machine: fc.boolean(),
      waits: fc.boolean(),
      capacityMessages: fc.integer({ min: 1, max: 4 }),
      picks: fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async (plan) => {
        let picked = 0;
        const system = createTestSystem({
          pick: (count) => (plan.picks[picked++ % plan.picks.length] as number) % count,
        });
        const arrived = new Map<string, number[]>();
        const handle = (receiver: number, { from, number }: Numbered): void => {
          const key = `${from} to ${receiver}`;
          arrived.set(key, [...(arrived.get(key) ?? []), number]);
        };
        const mailbox = plan.waits
          ? { capacityMessages: plan.capacityMessages, overflow: 'wait' as const }
          : {};
        const receivers: Ref<Numbered>[] = Array.from({ length: plan.receivers }, (_, index) =>
          plan.machine
            ? system.spawn(
                setup({ types: { events: {} as Numbered } }).createMachine({
                  on: { numbered: { actions: ({ event }) => handle(index, event) } },
                }),
                { mailbox },
              )
            : system.spawn(
                fromHandler({
                  receive: (_state: undefined, event: Numbered) => handle(index, event),
                }),
                { mailbox },
              ),
        );
        for (let sender = 0; sender < plan.senders; sender += 1) {
          const agent = system.spawn(
            fromHandler({
              initial: () => 0,
              receive(sent: number, _event: Go, ctx: AgentContext<Go>) {
                for (let i = 0; i < plan.perStep; i += 1) {
                  for (const to of receivers) {
                    ctx.send(to, { type: 'numbered', from: sender, number: sent + i });
                  }
                }
                return sent + plan.perStep;
              },
            }),
          );
          for (let round = 0; round < plan.rounds; round += 1) agent.send({ type: 'go' });
        }
        await system.settle();
        const all = Array.from({ length: plan.rounds * plan.perStep }, (_, number) => number);
        expect(arrived.size).toBe(plan.senders * plan.receivers);
        for (const numbers of arrived.values()) expect(numbers).toEqual(all);
      }),
      { numRuns: 150 },
    );
  });

  it('holds between a machine that assigns and sends, and its own timers', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const machine = setup({
      types: { events: {} as Go, context: {} as { count: number } },
    }).createMachine({
      context: { count: 0 },
      on: {
        go: {
          actions: [
            assign({ count: ({ context }) => context.count + 1 }),
            ({ context }) => probe.ref.send(note(String(context.count))),
          ],
        },
      },
    });
    const agent = system.spawn(machine);
    for (let i = 0; i < 5; i += 1) agent.send({ type: 'go' });
    await system.settle();
    expect(texts(probe.messages)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('holds for the sends of an async handler, before and after what it awaits', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const agent = system.spawn(
      fromHandler({
        async receive(_state: undefined, _event: Go, ctx: AgentContext<Go>) {
          ctx.send(probe.ref, note('1'));
          await Promise.resolve();
          ctx.send(probe.ref, note('2'));
          await ctx.sleep(10);
          probe.ref.send(note('3'));
        },
      }),
    );
    agent.send({ type: 'go' });
    await system.advance(10);
    expect(texts(probe.messages)).toEqual(['1', '2', '3']);
  });
});

describe('inspection', () => {
  it('of delivery that throws harms no agent', async () => {
    const system = createTestSystem();
    const probe = system.probe<Note>();
    const stop = system.inspect((event: InspectionEvent) => {
      if (event.type === 'delivered') throw boom;
    });
    const agent = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Note, ctx: AgentContext<Note>) =>
          ctx.send(probe.ref, event),
      }),
    );
    agent.send(note('a'));
    await system.settle();
    stop();
    agent.send(note('b'));
    await system.settle();
    expect(texts(probe.messages)).toEqual(['a', 'b']);
  });
});
