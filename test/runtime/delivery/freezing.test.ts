import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import {
  InvalidOption,
  UnfitPayload,
  fromHandler,
  type AgentContext,
  type Ref,
  type ReplyTo,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Data = { readonly type: 'data'; readonly value: unknown };
type Ask = { readonly type: 'ask'; value: unknown; readonly replyTo: ReplyTo<Data> };
type Go = { readonly type: 'go' };

/** Replies with what a write to the message, or to something in it, does. */
const writer = (write: (event: Ask) => void) =>
  fromHandler({
    receive(_state: undefined, event: Ask, ctx: AgentContext<Ask>) {
      write(event);
      ctx.reply(event, { type: 'data', value: 'written' });
    },
  });

describe('a sent message', () => {
  it('is frozen deeply: a later write by its sender fails where it happens', async () => {
    const system = createTestSystem();
    const probe = system.probe<Data>();
    const value = { list: [{ text: 'a' }], nothing: null };
    const message: Data = { type: 'data', value };
    probe.ref.send(message);
    expect(() => {
      (message as { type: string }).type = 'other';
    }).toThrow(TypeError);
    expect(() => value.list.push({ text: 'b' })).toThrow(TypeError);
    expect(() => {
      (value.list[0] as { text: string }).text = 'c';
    }).toThrow(TypeError);
    expect((await probe.expectMessage('data')).value).toBe(value);
  });

  it('is frozen for its receiver too, whichever way it was sent: a write crashes it', async () => {
    for (const write of [
      (event: Ask): void => {
        event.value = 'another';
      },
      (event: Ask): void => {
        (event.value as { text: string }).text = 'another';
      },
    ]) {
      const system = createTestSystem();
      const agent = system.spawn(writer(write));
      const asked = agent.ask({ type: 'ask', value: { text: 'a' } });
      await expect(system.run(asked)).rejects.toMatchObject({ cause: expect.any(TypeError) });
      const first = system.spawn(
        fromHandler({
          receive: (_state: undefined, event: Ask, ctx: AgentContext<Ask>) =>
            ctx.forward(system.spawn(writer(write)), { ...event, value: { text: 'b' } }),
        }),
      );
      const forwarded = first.ask({ type: 'ask', value: 0 });
      await expect(system.run(forwarded)).rejects.toMatchObject({ cause: expect.any(TypeError) });
    }
  });

  it('may hold a cycle, and the same value may be sent twice', async () => {
    const system = createTestSystem();
    const probe = system.probe<Data>();
    const value: Record<string, unknown> = { text: 'a' };
    value['self'] = value;
    probe.ref.send({ type: 'data', value });
    probe.ref.send({ type: 'data', value });
    await system.settle();
    expect(probe.messages).toHaveLength(2);
    expect(Object.isFrozen(value)).toBe(true);
  });

  it('is left as it is when freezing is off', async () => {
    const system = createTestSystem({ freeze: false });
    const agent = system.spawn(writer((event) => (event.value = Buffer.from('b'))));
    const reply = await system.run(agent.ask({ type: 'ask', value: Buffer.from('a') }));
    expect(reply.value).toBe('written');
  });

  it('may hold instances of classes, which are passed as they are', async () => {
    const system = createTestSystem();
    const probe = system.probe<Data>();
    const error = new Error('a');
    const map = new Map([['a', 1]]);
    probe.ref.send({ type: 'data', value: { error, map, when: new Date(0) } });
    const { value } = await probe.expectMessage('data');
    expect(value).toMatchObject({ error, map });
    expect(Object.isFrozen(error)).toBe(false);
  });
});

describe('refs in a message', () => {
  it('are usable: the receiver sends to them, asks them, stops them', async () => {
    const system = createTestSystem();
    const probe = system.probe<Data>();
    const answerer = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Ask, ctx: AgentContext<Ask>) =>
          ctx.reply(event, { type: 'data', value: event.value }),
      }),
    );
    type Introduce = {
      readonly type: 'introduce';
      readonly to: { readonly probe: Ref<Data>; readonly answerer: Ref<Ask> };
    };
    const agent = system.spawn(
      fromHandler({
        *receive(_state: undefined, { to }: Introduce, ctx: AgentContext<Introduce>) {
          const { value } = yield* ctx.ask(to.answerer, { type: 'ask', value: 42 });
          ctx.send(to.probe, { type: 'data', value });
        },
      }),
    );
    agent.send({ type: 'introduce', to: { probe: probe.ref, answerer } });
    expect((await probe.expectMessage('data')).value).toBe(42);
    await system.run(answerer.stop());
  });

  it('lets a request be kept and sent on inside another message; its replyTo answers from there', async () => {
    const system = createTestSystem();
    type Carry = { readonly type: 'carry'; readonly request: Ask };
    const last = system.spawn(
      fromHandler({
        receive(_state: undefined, { request }: Carry) {
          request.replyTo.send({ type: 'data', value: 'from the last' });
        },
      }),
    );
    const first = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Ask, ctx: AgentContext<Ask>) {
          ctx.defer(event);
          ctx.send(last, { type: 'carry', request: event });
        },
      }),
    );
    const reply = await system.run(first.ask({ type: 'ask', value: 0 }));
    expect(reply.value).toBe('from the last');
  });
});

describe('what cannot be sent', () => {
  it('is a Buffer, a typed array or an ArrayBuffer: UnfitPayload names the path', async () => {
    const system = createTestSystem();
    const probe = system.probe<Data>();
    for (const [value, given] of [
      [Buffer.from('a'), 'Buffer'],
      [new Uint8Array(1), 'Uint8Array'],
      [new ArrayBuffer(1), 'ArrayBuffer'],
    ] as const) {
      const message: Data = { type: 'data', value: { parts: [{ ok: 1 }, { bytes: value }] } };
      let caught: unknown;
      try {
        probe.ref.send(message);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(UnfitPayload);
      expect(caught).toMatchObject({
        code: 'UNFIT_PAYLOAD',
        fields: { at: 'message "data".value.parts.1.bytes', given: JSON.stringify(given) },
      });
    }
    await probe.expectNoMessage();
  });

  it('is refused each time, not only the first', async () => {
    const system = createTestSystem();
    const probe = system.probe<Data>();
    const message: Data = { type: 'data', value: { bytes: Buffer.from('a') } };
    for (let i = 0; i < 3; i += 1) expect(() => probe.ref.send(message)).toThrow(UnfitPayload);
    await probe.expectNoMessage();
  });

  it('is refused in an ask, an offer, a reply, a forward and a timer too', async () => {
    const system = createTestSystem();
    const value = Buffer.from('a');
    const probe = system.probe<Ask>();
    await expect(probe.ref.ask({ type: 'ask', value })).rejects.toBeInstanceOf(UnfitPayload);
    expect(() => probe.ref.offer({ type: 'ask', value } as Ask)).toThrow(UnfitPayload);
    for (const act of [
      (event: Ask, ctx: AgentContext<Ask>) => ctx.reply(event, { type: 'data', value }),
      (event: Ask, ctx: AgentContext<Ask>) => ctx.forward(probe.ref, { ...event, value }),
      (event: Ask, ctx: AgentContext<Ask>) => ctx.after(1, { ...event, value }),
    ]) {
      const agent = system.spawn(
        fromHandler({
          receive(_state: undefined, event: Ask, ctx: AgentContext<Ask>) {
            act(event, ctx);
          },
        }),
      );
      const asked = agent.ask({ type: 'ask', value: 0 });
      await expect(system.run(asked)).rejects.toMatchObject({ cause: { code: 'UNFIT_PAYLOAD' } });
    }
    await probe.expectNoMessage();
    expect(system.requests()).toEqual([]);
  });

  it('is anything but an event object: it is refused at the call with InvalidOption', async () => {
    const system = createTestSystem();
    const probe = system.probe<Data>();
    for (const wrong of ['data', 7, null, undefined, {}, { type: 7 }, ['data']]) {
      const message = wrong as unknown as Data;
      expect(() => probe.ref.send(message)).toThrow(InvalidOption);
      expect(() => probe.ref.offer(message)).toThrow(InvalidOption);
      await expect((probe.ref as unknown as Ref<Ask>).ask(message as never)).rejects.toBeInstanceOf(
        InvalidOption,
      );
    }
    await probe.expectNoMessage();
    expect(system.requests()).toEqual([]);
  });

  it('crashes the agent that tried, with an error that says what was given and allowed', async () => {
    const system = createTestSystem();
    const probe = system.probe<Data>();
    const agent = system.spawn(
      fromHandler({
        receive: (_state: undefined, _event: Go, ctx: AgentContext<Go>) =>
          ctx.send(probe.ref, 'data' as never),
      }),
    );
    const machine = system.spawn(
      setup({ types: { events: {} as Go } }).createMachine({
        on: { go: { actions: () => probe.ref.send('data' as never) } },
      }),
    );
    for (const each of [agent, machine]) {
      each.send({ type: 'go' });
      await system.settle();
      await expect(each.result()).rejects.toMatchObject({
        cause: { message: 'message: given "data", allowed: an event object with a string `type`' },
      });
    }
  });
});
