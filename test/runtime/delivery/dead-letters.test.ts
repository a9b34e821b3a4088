import { describe, expect, it } from 'vitest';
import {
  fromHandler,
  type AgentContext,
  type DeadLetter,
  type InspectionEvent,
  type Log,
  type Ref,
} from 'troupe';
import { createTestSystem } from 'troupe/testing';

type Note = { readonly type: 'note'; readonly text: string };

const note = (text: string): Note => ({ type: 'note', text });
const nobody = (address: string, system: { ref(address: string): unknown }): Ref<Note> =>
  system.ref(address) as Ref<Note>;
const textsOf = (letters: readonly DeadLetter[]): string[] =>
  letters.map(({ message }) => (message as Note).text);

interface LogLine {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

function stubLog(lines: LogLine[]): Log {
  const line =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message });
  const log: Log = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => log,
  };
  return log;
}

describe('a dead letter', () => {
  it('says why, to whom, from whom, what and when', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Note, ctx: AgentContext<Note>) =>
          ctx.send(nobody('/gone', system), event),
      }),
      { id: 'sender' },
    );
    await system.advance(30);
    agent.send(note('a'));
    await system.settle();
    expect(system.deadLetters.list()).toEqual([
      {
        reason: 'no such actor',
        to: 'local/gone',
        from: 'local/sender',
        message: note('a'),
        atMs: 30,
        error: undefined,
      },
    ]);
  });

  it('has the reason of what happened to it', async () => {
    const system = createTestSystem();
    const boom = new Error('boom');
    const handler = fromHandler({
      receive(_state: undefined, event: Note) {
        if (event.text === 'boom') throw boom;
      },
    });
    const gone = system.spawn(handler, { id: 'gone' });
    await system.run(gone.stop());
    gone.send(note('to the gone'));
    nobody('elsewhere/x', system).send(note('to another node'));
    const ended = system.spawn(handler, { id: 'ended' });
    await system.settle();
    system.suspend(ended);
    await system.settle();
    ended.send(note('queued'));
    await system.run(ended.stop());
    for (const overflow of ['fail', 'drop-newest'] as const) {
      const full = system.spawn(handler, { mailbox: { capacityMessages: 1, overflow } });
      full.send(note('first'));
      full.send(note(overflow));
      await system.settle();
    }
    const crashing = system.spawn(handler, { id: 'crashing' });
    crashing.send(note('boom'));
    await system.settle();
    expect(
      system.deadLetters
        .list()
        .map(({ reason, message }) => `${(message as Note).text}: ${reason}`),
    ).toEqual([
      'to the gone: no such actor',
      'to another node: no such node',
      'queued: actor ended',
      'fail: mailbox full',
      'drop-newest: displaced',
      'boom: poison',
    ]);
    expect(system.deadLetters.list().at(-1)?.error).toBe(boom);
    expect(system.stats().deadLetters).toBe(6);
  });

  it('is none for a name that nobody holds, but names it', async () => {
    const system = createTestSystem();
    const agent = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Note, ctx: AgentContext<Note>) =>
          ctx.send({ name: 'editor' }, event),
      }),
    );
    agent.send(note('a'));
    await system.settle();
    expect(system.deadLetters.list()).toMatchObject([{ to: 'local/(name editor)' }]);
  });

  it('is an inspection event too', async () => {
    const system = createTestSystem();
    const dropped: DeadLetter[] = [];
    system.inspect((event: InspectionEvent) => {
      if (event.type === 'dropped') dropped.push(event.letter);
    });
    nobody('/gone', system).send(note('a'));
    expect(dropped).toEqual(system.deadLetters.list());
    await system.settle();
  });
});

describe('the ring', () => {
  it('keeps the newest, oldest first, up to its bound; the total counts all', () => {
    const system = createTestSystem({ deadLettersMax: 3 });
    for (let i = 1; i <= 8; i += 1) nobody('/gone', system).send(note(String(i)));
    expect(textsOf(system.deadLetters.list())).toEqual(['6', '7', '8']);
    expect(system.deadLetters.total).toBe(8);
  });

  it('can be listed by a predicate', () => {
    const system = createTestSystem();
    for (const to of ['/a', '/b', '/a']) nobody(to, system).send(note(to));
    expect(textsOf(system.deadLetters.list(({ to }) => to === 'local/a'))).toEqual(['/a', '/a']);
  });

  it('goes on in order after some of it was sent again', () => {
    const system = createTestSystem({ deadLettersMax: 3 });
    const gone = nobody('/gone', system);
    for (const text of ['1', '2', '3', '4']) gone.send(note(text));
    const { deadLetters } = system;
    // Sent again to nobody, it comes back as the newest.
    expect(deadLetters.resend(({ message }) => (message as Note).text === '3')).toBe(1);
    expect(textsOf(deadLetters.list())).toEqual(['2', '4', '3']);
    gone.send(note('5'));
    expect(textsOf(deadLetters.list())).toEqual(['4', '3', '5']);
  });
});

describe('watch', () => {
  it('tells of each letter from now on, until it is ended', () => {
    const system = createTestSystem();
    const gone = nobody('/gone', system);
    const seen: DeadLetter[] = [];
    gone.send(note('before'));
    const end = system.deadLetters.watch((letter) => seen.push(letter));
    gone.send(note('a'));
    gone.send(note('b'));
    end();
    gone.send(note('after'));
    expect(textsOf(seen)).toEqual(['a', 'b']);
  });

  it('by somebody who throws harms neither the sender nor other watchers', async () => {
    const lines: LogLine[] = [];
    const system = createTestSystem({ log: stubLog(lines) });
    const seen: DeadLetter[] = [];
    const boom = new Error('boom');
    system.deadLetters.watch(() => {
      throw boom;
    });
    system.deadLetters.watch((letter) => seen.push(letter));
    const probe = system.probe<Note>();
    const agent = system.spawn(
      fromHandler({
        receive(_state: undefined, event: Note, ctx: AgentContext<Note>) {
          ctx.send(nobody('/gone', system), event);
          ctx.send(probe.ref, event);
        },
      }),
    );
    agent.send(note('a'));
    agent.send(note('b'));
    await system.settle();
    expect(textsOf(seen)).toEqual(['a', 'b']);
    expect(probe.messages.map(({ text }) => text)).toEqual(['a', 'b']);
    expect(lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { err: boom } },
      { fields: { err: boom } },
    ]);
  });
});

describe('resend', () => {
  it('sends the chosen again, oldest first, to who lives there now, and forgets them', async () => {
    const system = createTestSystem();
    const place = nobody('/late', system);
    for (const text of ['a', 'b', 'c']) place.send(note(text));
    nobody('/other', system).send(note('d'));
    const handled: string[] = [];
    system.spawn(
      fromHandler({
        receive(_state: undefined, event: Note) {
          handled.push(event.text);
        },
      }),
      { id: 'late' },
    );
    expect(
      system.deadLetters.resend(
        ({ to, message }) => to === 'local/late' && (message as Note).text !== 'b',
      ),
    ).toBe(2);
    await system.settle();
    expect(handled).toEqual(['a', 'c']);
    expect(textsOf(system.deadLetters.list())).toEqual(['b', 'd']);
  });

  it('reaches who holds the name by now', async () => {
    const system = createTestSystem();
    const handled: string[] = [];
    const sender = system.spawn(
      fromHandler({
        receive: (_state: undefined, event: Note, ctx: AgentContext<Note>) =>
          ctx.send({ name: 'late' }, event),
      }),
    );
    sender.send(note('a'));
    await system.settle();
    system.spawn(
      fromHandler({
        receive(_state: undefined, event: Note) {
          handled.push(event.text);
        },
      }),
      { name: 'late' },
    );
    expect(system.deadLetters.resend(() => true)).toBe(1);
    await system.settle();
    expect(handled).toEqual(['a']);
  });

  it('brings a poison message to the next life', async () => {
    const system = createTestSystem();
    let broken = true;
    const handled: string[] = [];
    const handler = fromHandler({
      receive(_state: undefined, event: Note) {
        if (broken) throw new Error('broken');
        handled.push(event.text);
      },
    });
    const first = system.spawn(handler, { id: 'a' });
    first.send(note('x'));
    await system.settle();
    broken = false;
    system.spawn(handler, { id: 'a' });
    await system.settle();
    expect(system.deadLetters.resend(({ reason }) => reason === 'poison')).toBe(1);
    await system.settle();
    expect(handled).toEqual(['x']);
  });

  it('of very many letters does not overflow the stack', () => {
    const system = createTestSystem({ deadLettersMax: 200_000 });
    const gone = nobody('/gone', system);
    const message = note('a');
    for (let i = 0; i < 200_000; i += 1) gone.send(message);
    expect(system.deadLetters.resend(({ reason }) => reason === 'poison')).toBe(0);
    expect(system.deadLetters.resend(() => true)).toBe(200_000);
    expect(system.deadLetters.total).toBe(400_000);
  });
});

describe('the log', () => {
  it('has the first ten letters of five seconds one by one, and the rest as a number', async () => {
    const lines: LogLine[] = [];
    const system = createTestSystem({ log: stubLog(lines) });
    const gone = nobody('/gone', system);
    for (let i = 0; i < 25; i += 1) gone.send(note(String(i)));
    expect(lines).toHaveLength(10);
    expect(lines[0]).toEqual({
      level: 'warn',
      fields: { to: 'local/gone', from: undefined, message: 'note', reason: 'no such actor' },
      message: 'dead letter',
    });
    await system.advance(4_999);
    gone.send(note('still quiet'));
    expect(lines).toHaveLength(10);
    await system.advance(1);
    gone.send(note('again'));
    expect(lines.slice(10)).toMatchObject([
      { level: 'warn', fields: { count: 16 } },
      { level: 'warn', message: 'dead letter' },
    ]);
  });
});
