import { describe, expect, it } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { NameTaken, NoSuchActor, agentName, fromHandler, type ReplyTo } from 'troupe';
import { createTestSystem } from 'troupe/testing';
import { failure, notesOf, puppet, spawnPuppet, tell } from './cast.ts';

type EditorEvent =
  | { type: 'note'; text: string }
  | { type: 'edit'; text: string; replyTo: ReplyTo<{ type: 'edited'; text: string }> };

const editor = fromHandler({
  initial: (): string[] => [],
  receive(notes: string[], event: EditorEvent, ctx) {
    if (event.type === 'note') return [...notes, event.text];
    ctx.reply(event, { type: 'edited', text: event.text.toUpperCase() });
    return notes;
  },
});
const Editor = agentName<typeof editor>('editor');

describe('a name', () => {
  it('given with the spawn is held at once and found as key or as string', () => {
    const system = createTestSystem();
    const ref = system.spawn(editor, { name: Editor });
    expect(system.whereis(Editor)).toBe(ref);
    expect(system.whereis('editor')).toBe(ref);
    expect(system.stats().names).toBe(1);
  });

  it('is undefined when nobody holds it', () => {
    expect(createTestSystem().whereis(Editor)).toBeUndefined();
  });

  it('is registered and given up by the agent itself', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    const seen: unknown[] = [];
    tell(ref, (ctx) => {
      ctx.register('mine');
      seen.push(ctx.whereis({ name: 'mine' }));
    });
    await system.settle();
    expect(system.whereis('mine')).toBe(ref);
    tell(ref, (ctx) => ctx.unregister('mine'));
    await system.settle();
    expect(system.whereis('mine')).toBeUndefined();
    expect(seen).toEqual([ref]);
  });

  it('is registered and given up from outside', async () => {
    const system = createTestSystem();
    const ref = system.spawn(editor);
    system.register(Editor, ref);
    expect(system.whereis(Editor)).toBe(ref);
    system.unregister(Editor);
    expect(system.whereis(Editor)).toBeUndefined();
    system.unregister(Editor);
    system.unregister('never');
  });

  it('may be one of several that an agent holds', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a');
    for (const name of ['x', 'y', 'z']) system.register(name, ref);
    expect(system.stats().names).toBe(3);
    await system.run(ref.kill());
    expect(system.stats().names).toBe(0);
  });

  it('that is taken is refused with who asked and who holds it', async () => {
    const system = createTestSystem();
    system.spawn(editor, { id: 'first', name: Editor });
    const second = system.spawn(editor, { id: 'second' });
    const error = await failure(() => system.register(Editor, second));
    expect(error).toBeInstanceOf(NameTaken);
    expect(error).toMatchObject({
      code: 'NAME_TAKEN',
      fields: { name: 'editor', requestedBy: 'local/second', heldBy: 'local/first' },
    });
    expect(() => system.spawn(editor, { id: 'third', name: Editor })).toThrow(NameTaken);
    // The spawn that failed left nothing behind.
    expect(system.stats().agents).toBe(2);
    system.spawn(editor, { id: 'third' });
  });

  it('is refused to its own holder too', async () => {
    const system = createTestSystem();
    const ref = system.spawn(editor, { name: Editor });
    expect(() => system.register(Editor, ref)).toThrow(NameTaken);
  });

  it('cannot be given up by an agent that does not hold it', async () => {
    const system = createTestSystem();
    const holder = spawnPuppet(system, 'holder');
    const other = spawnPuppet(system, 'other');
    system.register('n', holder);
    tell(other, (ctx) => ctx.unregister('n'));
    await system.settle();
    expect(system.whereis('n')).toBe(holder);
  });

  it('vanishes with the life, however it ends', async () => {
    const system = createTestSystem();
    const ends: ((ref: ReturnType<typeof spawnPuppet>) => unknown)[] = [
      (ref) => ref.stop(),
      (ref) => ref.kill(),
      (ref) => ref.send({ type: 'boom' }),
      (ref) => tell(ref, (ctx) => ctx.stop()),
    ];
    for (const end of ends) {
      const ref = spawnPuppet(system, 'a');
      await system.settle();
      system.register('n', ref);
      void end(ref);
      await system.settle();
      expect(system.whereis('n')).toBeUndefined();
      expect(system.stats().names).toBe(0);
    }
  });

  it('cannot be given to an agent that has ended, not even to one whose place is kept', async () => {
    const system = createTestSystem();
    const parent = system.probe();
    await system.settle();
    const held = parent.context.spawn(puppet(), { hold: true });
    const gone = spawnPuppet(system, 'gone');
    await system.run(held.kill());
    await system.run(gone.kill());
    for (const ref of [held, gone]) {
      const error = await failure(() => system.register('n', ref));
      expect((error as { code: string }).code).toMatch(/NO_SUCH_ACTOR|INVALID_OPTION/);
    }
    expect(system.stats().names).toBe(0);
  });

  it('stays while its holder cleans up, and is free when it is over', async () => {
    const system = createTestSystem();
    const ref = spawnPuppet(system, 'a', {
      stop: (_r, ctx) => ctx.sleep(10).then(() => undefined),
    });
    system.register('n', ref);
    await system.settle();
    void ref.stop();
    await system.settle();
    expect(system.whereis('n')).toBe(ref);
    await system.advance(10);
    expect(system.whereis('n')).toBeUndefined();
  });
});

describe('a message by name', () => {
  it('is sent to and asked of whoever holds the name when it is sent', async () => {
    const system = createTestSystem();
    const caller = spawnPuppet(system, 'caller');
    const answers: unknown[] = [];
    const first = system.spawn(editor, { id: 'first', name: Editor });
    tell(caller, function* (ctx) {
      ctx.send(Editor, { type: 'note', text: 'hello' });
      answers.push(yield* ctx.ask(Editor, { type: 'edit', text: 'abc' }));
    });
    await system.settle();
    expect(notesOf(first)).toEqual(['hello']);
    expect(answers).toEqual([{ type: 'edited', text: 'ABC' }]);
    await system.run(first.stop());
    const second = system.spawn(editor, { id: 'second', name: Editor });
    tell(caller, (ctx) => ctx.send(Editor, { type: 'note', text: 'again' }));
    await system.settle();
    expect(notesOf(second)).toEqual(['again']);
  });

  it('that nobody holds is a dead letter as a send, and NoSuchActor as an ask', async () => {
    const system = createTestSystem();
    const caller = spawnPuppet(system, 'caller');
    let error: unknown;
    tell(caller, function* (ctx) {
      ctx.send(Editor, { type: 'note', text: 'hello' });
      try {
        yield* ctx.ask(Editor, { type: 'edit', text: 'abc' });
      } catch (caught) {
        error = caught;
      }
    });
    await system.settle();
    expect(error).toBeInstanceOf(NoSuchActor);
    expect((error as Error).message).toContain('editor');
    expect(system.deadLetters.list()).toMatchObject([{ reason: 'no such actor' }]);
  });
});

it('a place that was given up is listed no more, also before its parent has had a turn', async () => {
  const system = createTestSystem();
  const parent = system.probe('p');
  await system.settle();
  const child = parent.context.spawn(puppet(), { id: 'a', hold: true });
  await system.settle();
  await system.run(child.kill());
  parent.context.release(child);
  parent.context.spawn(puppet(), { id: 'a' });
  const listed = system.agents()[0]?.children.map(({ path, status }) => `${path} ${status}`);
  expect(listed).toEqual(['/p/a starting']);
});

describe('the registry under random load', () => {
  const names = ['n0', 'n1', 'n2'];
  const op = fc.record({
    what: fc.constantFrom(
      'register',
      'unregister',
      'crash',
      'stop',
      'kill',
      'restart',
      'release',
      'spawn',
    ),
    agent: fc.nat(3),
    name: fc.nat(2),
    settle: fc.boolean(),
  });

  test.prop([fc.array(op, { maxLength: 60 })])(
    'never leaks a name: each is held by a living agent that registered it, and none when all are gone',
    async (ops) => {
      const system = createTestSystem();
      const parent = system.probe('p');
      await system.settle();
      const spawn = (agent: number) =>
        parent.context.spawn(puppet(), {
          id: `a${agent}`,
          hold: agent % 2 === 0,
          ...(agent === 0 && { name: 'n0' }),
        });
      const tried = <T>(call: () => T): T | undefined => {
        try {
          return call();
        } catch (error) {
          expect(['NAME_TAKEN', 'NO_SUCH_ACTOR', 'INVALID_OPTION']).toContain(
            (error as { code?: string }).code,
          );
          return undefined;
        }
      };
      const refs = [0, 1, 2, 3].map(spawn);
      const statusOf = (path: string) =>
        system.agents()[0]?.children.find((child) => child.path === path)?.status;
      await system.settle();
      for (const { what, agent, name, settle } of ops) {
        const ref = refs[agent]!;
        if (what === 'register') tried(() => system.register(names[name]!, ref));
        else if (what === 'unregister') system.unregister(names[name]!);
        else if (what === 'crash') ref.send({ type: 'boom' });
        else if (what === 'stop') void ref.stop();
        else if (what === 'kill') void ref.kill();
        else if (what === 'restart')
          void tried(() => parent.context.restart(ref))?.then(undefined, () => undefined);
        else if (what === 'release') tried(() => parent.context.release(ref));
        else {
          const spawned = tried(() => spawn(agent));
          if (spawned !== undefined) refs[agent] = spawned;
        }
        if (settle) await system.settle();
        for (const each of names) {
          const holder = system.whereis(each);
          if (holder === undefined) continue;
          expect(['starting', 'running', 'stopping']).toContain(statusOf(holder.path));
        }
      }
      await system.run(parent.ref.kill());
      expect(system.stats().names).toBe(0);
      expect(names.map((each) => system.whereis(each))).toEqual([undefined, undefined, undefined]);
      await system.run(system.stop());
    },
  );
});
