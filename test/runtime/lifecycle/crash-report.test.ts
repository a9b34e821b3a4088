// What is told of a crash, and the hook that takes out what nobody should read: OTP's crash report,
// its behaviour's terminate report, and `format_status`.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { assign, createMachine } from 'xstate';
import {
  InvalidOption,
  child,
  createSystem,
  fromHandler,
  supervisor,
  type InspectionEvent,
  type Report,
  type System,
  type SystemOptions,
} from 'troupe';
import { createTestSystem, type TestSystemOptions } from 'troupe/testing';
import { inspected, memoryLog, type LogLine } from './cast.ts';

const SECRET = 'hunter2';

type Login = { readonly type: 'login'; readonly password: string };

/** An agent whose input, state, message and error hold the secret. */
const vault = fromHandler({
  initial: ({ key }: { readonly key: string }) => ({ tries: 0, key }),
  receive: (state: { tries: number; key: string }, event: Login) => {
    if (event.password === 'ok') return { ...state, tries: state.tries + 1 };
    throw new Error(`wrong password ${event.password}`);
  },
});

/** A system with a log in memory, and with a vault that has crashed, under a supervisor and by itself. */
async function crashed(options: TestSystemOptions = {}) {
  const { log, lines } = memoryLog();
  const system = createTestSystem({ log, ...options });
  const events = inspected(system);
  const ref = system.spawn(vault, { id: 'vault', input: { key: SECRET }, name: 'safe' });
  const friend = system.spawn(fromHandler({ receive: () => undefined }), {
    id: 'friend',
    trapExit: true,
  });
  await system.settle();
  system.link(ref, friend);
  ref.send({ type: 'login', password: 'ok' });
  ref.send({ type: 'login', password: SECRET });
  ref.send({ type: 'login', password: 'behind' });
  await system.settle();
  const spec = child({ id: 'v', logic: vault, input: { key: SECRET } });
  await system.run(system.start(supervisor({ intensity: 0, children: [spec] }), { id: 'sup' }));
  system.ref('/sup/v').send({ type: 'login', password: SECRET } as never);
  await system.settle();
  return { system, lines, events };
}

const crashLine = (lines: readonly LogLine[]): LogLine =>
  lines.find(({ message }) => message === 'agent crashed') as LogLine;

const crashEvent = (events: readonly InspectionEvent[]) =>
  events.find((event) => event.type === 'crashed') as Extract<InspectionEvent, { type: 'crashed' }>;

/** All of an object that can be read, errors and their causes too. */
function text(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    each instanceof Error
      ? Object.assign({ text: `${each.stack}`, cause: each.cause }, each)
      : each,
  );
}

/** What of the inspection is a report, or says an error: messages and snapshots are shown as they are. */
const reporting = (events: readonly InspectionEvent[]) =>
  events.filter(({ type }) => ['crashed', 'ended', 'report', 'dropped'].includes(type));

const strip = (report: Report): Report => ({
  ...report,
  fields: { ...report.fields, message: '-', state: '-', input: '-', err: '-' },
});

describe('a crash report', () => {
  it('says in the log and the inspection who crashed, on what, from whom, what waits, its names, its links and the error', async () => {
    const { lines, events } = await crashed();
    const { fields, level } = crashLine(lines);
    expect(level).toBe('error');
    expect(fields).toEqual({
      path: '/vault',
      incarnation: 1,
      message: 'login',
      from: undefined,
      queuedMessages: 1,
      names: ['safe'],
      links: ['/friend'],
      trapExit: false,
      err: expect.objectContaining({ message: `wrong password ${SECRET}` }) as Error,
    });
    const { path, ...rest } = fields;
    expect(crashEvent(events)).toEqual({
      type: 'crashed',
      path,
      incarnation: 1,
      error: fields['err'],
      report: { level: 'error', label: 'agent crashed', path, fields: rest },
    });
  });

  it('leaves out the message, the state and the input unless it is told to say them', async () => {
    const brief = await crashed();
    expect(crashLine(brief.lines).fields).not.toHaveProperty('state');
    expect(crashLine(brief.lines).fields).not.toHaveProperty('input');
    const full = await crashed({ crashDetails: true });
    const details = {
      message: { type: 'login', password: SECRET },
      state: { tries: 1, key: SECRET },
      input: { key: SECRET },
    };
    expect(crashLine(full.lines).fields).toMatchObject(details);
    expect(crashEvent(full.events).report.fields).toMatchObject(details);
  });

  it('says the value and the context of a machine, as they were before the event that it crashed on', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log, crashDetails: true });
    const machine = createMachine({
      context: { count: 0 },
      initial: 'off',
      states: {
        off: { on: { flip: { target: 'on', actions: assign({ count: 1 }) } } },
        on: {
          on: {
            flip: {
              actions: () => {
                throw new Error('stuck');
              },
            },
          },
        },
      },
    });
    const ref = system.spawn(machine, { id: 'm' });
    ref.send({ type: 'flip' });
    ref.send({ type: 'flip' });
    await system.settle();
    expect(crashLine(lines).fields).toMatchObject({
      message: { type: 'flip' },
      state: { value: 'on', context: { count: 1 } },
    });
  });

  it('of a start has no message and no state, and runs nothing of the agent to find one', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log, crashDetails: true });
    let calls = 0;
    system.spawn(
      fromHandler({
        initial: () => {
          calls += 1;
          throw new Error('no');
        },
        receive: () => undefined,
      }),
      { id: 'a', input: 5 },
    );
    await system.settle();
    expect(calls).toBe(1);
    expect(crashLine(lines).fields).toMatchObject({
      message: undefined,
      state: undefined,
      input: 5,
      err: { message: 'no' },
    });
  });

  it('is a record that pino can write, refs in the state included', async () => {
    let written = '';
    const sink = new Writable({
      write: (chunk, _encoding, done) => {
        written += String(chunk);
        done();
      },
    });
    const system = createTestSystem({ log: pino({ level: 'error' }, sink), crashDetails: true });
    const friend = system.spawn(fromHandler({ receive: () => undefined }), { id: 'friend' });
    const logic = fromHandler({
      initial: () => ({ friend, loop: undefined as unknown }),
      receive: (state: { friend: unknown; loop: unknown }) => {
        state.loop = state;
        throw new Error('boom');
      },
    });
    system.spawn(logic, { id: 'a' }).send({ type: 'go' });
    await system.settle();
    expect(JSON.parse(written)).toMatchObject({
      level: 50,
      msg: 'agent crashed',
      path: '/a',
      message: { type: 'go' },
      state: { friend: { address: 'local/friend' }, loop: '[Circular]' },
      err: { type: 'Error', message: 'boom' },
    });
  });
});

describe('the redact hook', () => {
  it('gets every report before anybody else: of crashes, by supervisors, and of what else went wrong', async () => {
    const seen: string[] = [];
    const redact = (report: Report): Report => {
      seen.push(report.label);
      return report;
    };
    const { lines } = await crashed({ redact });
    expect(new Set(seen)).toEqual(
      new Set([
        'agent crashed',
        'agent ended',
        'dead letter',
        'supervisor/progress',
        'supervisor/child_terminated',
        'supervisor/shutdown',
      ]),
    );
    // One that changes nothing leaves the log as it is.
    expect(text(lines)).toBe(text((await crashed()).lines));
  });

  it('decides alone what the log has: message, state, input and error can all be taken out', async () => {
    const { lines, events } = await crashed({ redact: strip, crashDetails: true });
    expect(crashLine(lines).fields).toMatchObject({
      path: '/vault',
      message: '-',
      state: '-',
      input: '-',
      err: '-',
    });
    expect(lines.some(({ message }) => message === 'supervisor/child_terminated')).toBe(true);
    expect(text(lines)).not.toContain(SECRET);
    expect(crashEvent(events)).toMatchObject({ error: '-', report: { fields: { state: '-' } } });
    expect(text(reporting(events))).not.toContain(SECRET);
  });

  it('may rename the agent and the report, and cannot change how bad it is', async () => {
    const redact = (report: Report): Report => ({
      level: 'debug',
      label: `x ${report.label}`,
      path: '/somewhere',
      fields: {},
    });
    const { lines } = await crashed({ redact });
    const line = lines.find(({ message }) => message === 'x agent crashed');
    expect(line).toEqual({
      level: 'error',
      message: 'x agent crashed',
      fields: { path: '/somewhere' },
    });
  });

  it.each<readonly [title: string, redact: unknown]>([
    [
      'throws what quotes the report',
      ({ fields }: Report) => {
        throw new Error(text(fields));
      },
    ],
    ['gives nothing', () => undefined],
    ['gives no fields', (report: Report) => ({ ...report, fields: null })],
    ['gives a promise', (report: Report) => Promise.resolve(report)],
  ])('that %s leaks nothing and takes nothing down', async (_title, redact) => {
    const options = { redact: redact as never, crashDetails: true };
    const { system, lines, events } = await crashed(options);
    expect(crashLine(lines)).toEqual({
      level: 'error',
      message: 'agent crashed',
      fields: { path: '/vault', redact: 'failed' },
    });
    expect(text(lines)).not.toContain(SECRET);
    expect(text(reporting(events))).not.toContain(SECRET);
    expect(crashEvent(events)).toMatchObject({ path: '/vault', error: undefined });
    expect(system.agents().map(({ path }) => path)).toEqual(['/friend']);
    expect(system.deadLetters.list(({ reason }) => reason === 'poison')).toHaveLength(2);
    await system.stop();
  });

  it('sees what a cleanup and a callback throw too', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log, redact: strip });
    const ref = system.spawn(
      fromHandler({
        receive: () => undefined,
        stop: () => {
          throw new Error(SECRET);
        },
      }),
      { id: 'a' },
    );
    system.inspect(({ type }) => {
      if (type === 'ended') throw new Error(SECRET);
    });
    await system.run(ref.stop());
    expect(lines.map(({ message, fields }) => [message, fields['path'], fields['err']])).toEqual([
      ['cleanup failed', '/a', '-'],
      ['a callback threw', '', '-'],
    ]);
  });

  it('does not touch what an agent writes to its own log, nor the dead letters, which can be sent again', async () => {
    const { log, lines } = memoryLog();
    const system = createTestSystem({ log, redact: strip });
    const logic = fromHandler({
      receive: (_state: undefined, event: Login, ctx) => {
        ctx.log.error({ err: event.password }, 'its own');
        throw new Error('boom');
      },
    });
    const message: Login = { type: 'login', password: SECRET };
    system.spawn(logic, { id: 'a' }).send(message);
    await system.settle();
    expect(lines[0]).toMatchObject({ message: 'its own', fields: { err: SECRET } });
    expect(system.deadLetters.list()).toMatchObject([{ message, error: { message: 'boom' } }]);
  });

  it('is told a copy that it may keep: the error that links, monitors and asks get is the true one', async () => {
    const { system } = await crashed({ redact: strip });
    const ref = system.spawn(vault, { id: 'again', input: { key: SECRET } });
    const downs: unknown[] = [];
    await system.settle();
    system.monitor(ref, ({ reason }) => downs.push(reason));
    ref.send({ type: 'login', password: 'no' });
    await system.settle();
    expect(downs).toMatchObject([{ type: 'crash', error: { message: 'wrong password no' } }]);
  });

  it('is refused when it is no function, and so are details that are no boolean', () => {
    for (const [field, options] of [
      ['redact', { redact: 'all' }],
      ['crashDetails', { crashDetails: 'all' }],
    ] as const) {
      const make = (): System => createSystem(options as unknown as SystemOptions);
      expect(make).toThrow(InvalidOption);
      expect(make).toThrow(expect.objectContaining({ field }) as Error);
    }
  });
});
