import { fanOut, perform, performer, TaskFailed, type Task } from 'troupe/actors';
import { createTestSystem } from 'troupe/testing';
import { describe, expect, it } from 'vitest';

describe('a fan-out', () => {
  it('is done at once, and its branches go on without it', async () => {
    const system = createTestSystem();
    const posted: string[] = [];
    const channel = (name: string, afterMs: number) =>
      performer(name, function* (task: Task<string>, run) {
        yield* run.sleep(afterMs);
        posted.push(`${name}: ${task.input} at ${run.now()}`);
        return name;
      });
    const publish = fanOut('publish', {
      feed: { performer: channel('feed', 10) },
      mail: { performer: channel('mail', 20) },
    });
    const ref = system.spawn(publish, { id: 'publish' });
    const outcome = await system.run(perform(system, ref, { goal: 'publish', input: 'news' }));
    expect(outcome).toMatchObject({ status: 'done', output: ['feed', 'mail'] });
    expect([system.nowMs, posted]).toEqual([0, []]);
    await system.advance(100);
    expect(posted).toEqual(['feed: news at 10', 'mail: news at 20']);
    expect(system.deadLetters.total).toBe(0);
  });

  it('a branch that fails becomes a dead letter with its failure, and its siblings go on', async () => {
    const system = createTestSystem();
    const posted: string[] = [];
    const publish = fanOut('publish', {
      feed: {
        performer: performer('feed', (): string => {
          throw new TaskFailed({ kind: 'blockedExternally', message: '403' });
        }),
      },
      mail: {
        performer: performer('mail', (task: Task<string>) => {
          posted.push(task.input);
        }),
      },
      silent: { performer: performer('silent', () => new Promise(() => undefined)), timeoutMs: 50 },
    });
    const ref = system.spawn(publish, { id: 'publish' });
    await system.run(perform(system, ref, { goal: 'publish', input: 'news' }));
    await system.advance(100);
    expect(posted).toEqual(['news']);
    expect(system.deadLetters.list()).toMatchObject([
      {
        reason: 'poison',
        message: { type: 'deliver', branch: 'feed', task: { input: 'news' } },
        error: { parts: { kind: 'blockedExternally', step: 'feed' } },
      },
      { reason: 'poison', error: { parts: { kind: 'timeout', step: 'silent' } } },
    ]);
  });

  it('refuses a branch that depends on a sibling', () => {
    const post = performer('post', (task: Task<string>) => task.input);
    const build = () =>
      fanOut('publish', {
        feed: { performer: post },
        mail: { performer: post, dependsOn: ['feed'] },
      });
    expect(build).toThrow('fanOut.mail.dependsOn: given "feed"');
  });
});
