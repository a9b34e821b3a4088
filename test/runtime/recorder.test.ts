import { describe, expect, it } from 'vitest';
import { assign, fromCallback, fromObservable, fromPromise, setup } from 'xstate';
import {
  fromHandler,
  InvalidOption,
  watchForTrouble,
  type Recording,
  type ReplyTo,
  type SystemOptions,
  type WatchdogOptions,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Keep = {
  readonly type: 'keep';
  readonly secret: string;
  readonly replyTo: ReplyTo<{ type: 'kept' }>;
};
type Poke = { readonly type: 'poke'; readonly n: number };

/** Keeps its request for ever, which raises an alarm. */
const keeper = fromHandler({
  receive(_state: undefined, event: Keep | Poke, ctx) {
    if (event.type === 'keep') ctx.defer(event);
  },
});

function recorded(options: WatchdogOptions = {}, more: Pick<SystemOptions, 'redact'> = {}) {
  const recordings: (Recording | undefined)[] = [];
  const system = createTestSystem({ log: false, ...more });
  const end = watchForTrouble(system, {
    stuckMs: 1_000,
    ...options,
    onAlarm: (_alarm, recording) => recordings.push(recording),
  });
  return { system, recordings, end };
}

const timeoutMs = Infinity;
const ignore = (): undefined => undefined;

describe('the recording of an alarm', () => {
  it('has what code outside agents has sent, asked and offered, in order, and nothing of agents', async () => {
    const { system, recordings } = recorded({ record: true });
    const echo = fromHandler({
      receive: (_state: undefined, _event: Poke, ctx) => ctx.send(ref, { type: 'poke', n: 9 }),
    });
    const ref = system.spawn(keeper, { id: 'keeper' });
    system.spawn(echo, { id: 'echo' }).send({ type: 'poke', n: 1 });
    ref.ask({ type: 'keep', secret: 'x' }, { timeoutMs }).catch(ignore);
    await ref.offer({ type: 'poke', n: 2 });
    await system.advance(3_000);
    expect(recordings).toEqual([
      {
        roots: ['keeper', 'echo'],
        messages: [
          { kind: 'send', to: '/echo', message: { type: 'poke', n: 1 }, atMs: 0 },
          { kind: 'ask', to: '/keeper', message: { type: 'keep', secret: 'x' }, atMs: 0 },
          { kind: 'send', to: '/keeper', message: { type: 'poke', n: 2 }, atMs: 0 },
        ],
        effects: [],
        lost: 0,
      },
    ]);
  });

  it('has what has come of the effects of agents, by agent and name', async () => {
    const { system, recordings } = recorded({ record: true });
    const user = fromHandler({
      *receive(_state: undefined, event: Poke, ctx) {
        const work = event.n === 1 ? Promise.resolve('one') : Promise.reject(new Error('two'));
        try {
          yield* ctx.effect('call', () => work, { n: event.n });
        } catch {
          // It is recorded all the same.
        }
      },
    });
    const machine = setup({
      types: { context: {} as { got: string[] } },
      actors: {
        load: fromPromise<string, { id: number }>(({ input }) => Promise.resolve(`#${input.id}`)),
        hang: fromPromise<string>(() => new Promise(() => undefined)),
        tick: fromCallback(({ sendBack }) => sendBack({ type: 'tick' })),
        watch: fromObservable(() => ({
          subscribe(observer) {
            const watcher = observer as { next(value: unknown): void };
            watcher.next(1);
            watcher.next(2);
            return { unsubscribe: ignore };
          },
        })),
      },
    }).createMachine({
      context: { got: [] },
      invoke: [{ src: 'hang' }, { src: 'tick' }, { src: 'watch' }],
      initial: 'loading',
      states: {
        loading: {
          invoke: {
            src: 'load',
            input: { id: 7 },
            onDone: { target: 'here', actions: assign({ got: ({ event }) => [event.output] }) },
          },
        },
        here: {},
      },
    });
    const ref = system.spawn(user, { id: 'user' });
    const loader = system.spawn(machine, { id: 'loader' });
    ref.send({ type: 'poke', n: 1 });
    ref.send({ type: 'poke', n: 2 });
    system
      .spawn(keeper, { id: 'keeper' })
      .ask({ type: 'keep', secret: 'x' }, { timeoutMs })
      .catch(ignore);
    await system.advance(3_000);
    expect(loader.getSnapshot()).toMatchObject({ value: 'here', context: { got: ['#7'] } });
    const effects = recordings[0]?.effects.map((effect) => ({ ...effect, atMs: 0 }));
    const none = { input: undefined, emitted: [], outcome: 'open', value: undefined, atMs: 0 };
    expect(effects).toHaveLength(6);
    expect(effects).toEqual(
      expect.arrayContaining([
        { ...none, agent: '/user', key: 'call', input: { n: 1 }, outcome: 'done', value: 'one' },
        {
          ...none,
          agent: '/user',
          key: 'call',
          input: { n: 2 },
          outcome: 'failed',
          value: new Error('two'),
        },
        { ...none, agent: '/loader', key: 'load', input: { id: 7 }, outcome: 'done', value: '#7' },
        { ...none, agent: '/loader', key: 'hang' },
        { ...none, agent: '/loader', key: 'tick', emitted: [{ type: 'tick' }] },
        { ...none, agent: '/loader', key: 'watch', emitted: [1, 2] },
      ]),
    );
  });

  it('keeps the newest, and says how many it has not kept', async () => {
    const { system, recordings } = recorded({ record: true, recordedMax: 3 });
    const ref = system.spawn(keeper, { id: 'keeper' });
    for (let n = 0; n < 10; n += 1) ref.send({ type: 'poke', n });
    ref.ask({ type: 'keep', secret: 'x' }, { timeoutMs }).catch(ignore);
    await system.advance(3_000);
    expect(recordings[0]?.lost).toBe(8);
    expect(recordings[0]?.messages.map(({ message }) => message)).toEqual([
      { type: 'poke', n: 8 },
      { type: 'poke', n: 9 },
      { type: 'keep', secret: 'x' },
    ]);
  });

  it('passes the redact hook of the system', async () => {
    const { system, recordings } = recorded(
      { record: true },
      {
        redact: ({ label, fields, ...report }) => ({
          ...report,
          label,
          fields:
            label === 'recorded message'
              ? { message: { ...(fields['message'] as object), secret: '***' } }
              : fields,
        }),
      },
    );
    const ref = system.spawn(keeper, { id: 'keeper' });
    ref.ask({ type: 'keep', secret: 'x' }, { timeoutMs }).catch(ignore);
    await system.advance(3_000);
    expect(recordings[0]?.messages[0]?.message).toEqual({ type: 'keep', secret: '***' });
  });

  it('is there only when it was asked for, and until the watch ends', async () => {
    const { system, recordings, end } = recorded();
    const ref = system.spawn(keeper, { id: 'keeper' });
    ref.ask({ type: 'keep', secret: 'x' }, { timeoutMs }).catch(ignore);
    await system.advance(3_000);
    expect(recordings).toEqual([undefined]);
    end();
    expect(() => watchForTrouble(system, { record: 'yes' as never })).toThrow(InvalidOption);
  });
});
