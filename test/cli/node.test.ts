// `troupe node` in processes of its own: what it refuses at once, and what it ends with.

import { spawnSync } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { fixture, root, troupeWith } from './run.ts';

const env = { ...process.env, TROUPE_SECRET: 'a secret of the tests' };
const node = (...args: string[]) => troupeWith(env, 'node', ...args);

describe('troupe node', { timeout: 60_000 }, () => {
  it('refuses to start without a secret, and never shows one that is too short', () => {
    const { TROUPE_SECRET: _, ...without } = env;
    const absent = troupeWith(without, 'node', fixture('root'), '--name', 'a');
    expect(absent.stderr).toContain('troupe: TROUPE_SECRET is not set\n  All nodes of a cluster');
    expect(absent.status).toBe(2);
    const short = { ...env, TROUPE_SECRET: 'hunter2' };
    const { status, stderr } = troupeWith(short, 'node', fixture('root'), '--name', 'a');
    expect(stderr).toContain('secret');
    expect(stderr).toContain('at least 16 characters');
    expect(stderr).not.toContain('hunter2');
    expect(status).toBe(2);
  });

  it.each([
    [['--name', 'a b'], 'a string without "/", "#" and white space'],
    [['--name', 'a', '--listen', 'here'], 'such as 7000 or 0.0.0.0:7000'],
    [['--name', 'a', '--listen', '65536'], 'such as 7000 or 0.0.0.0:7000'],
    [['--name', 'a', '--seed', 'http://127.0.0.1:7000'], 'ws://host:port or wss://host:port'],
    [['--name', 'a', '--seed', 'ws://10.0.0.1:7000'], 'or insecure: true'],
    [['--name', 'a', '--listen', '0.0.0.0:0'], 'or tls, or insecure: true'],
    [['--name', 'a', '--cert', 'cert.pem'], '--cert and --key belong together'],
    [['--name', 'a', '--ca', 'nowhere.pem'], '--ca cannot be read: Error: ENOENT'],
    [[], "required option '--name <name>' not specified"],
  ])('ends with 2 for %j, and says what is wrong', (flags, says) => {
    const { status, stderr } = node(fixture('root'), ...flags);
    expect(stderr).toContain(says);
    expect(status).toBe(2);
  });

  it('ends with 2 for a module that exports no root, and says what a root is', () => {
    const { status, stderr } = node(fixture('none'), '--name', 'a');
    expect(stderr).toMatch(/exports no root; it exports .*\n {2}A root is a supervisor/);
    expect(status).toBe(2);
  });

  it('ends with 2 when its port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const { status, stderr } = node(fixture('root'), '--name', 'a', '--listen', String(port));
    expect(stderr).toContain(`ws://127.0.0.1:${port}: listen EADDRINUSE`);
    expect(status).toBe(2);
    server.close();
  });

  it.each([
    ['start', 1, 'cannot start: StartFailed'],
    ['crash', 1, 'the root has ended, and the node leaves'],
    ['end', 0, 'the root has ended, and the node leaves'],
  ])('ends by itself when its root does: %s, exit code %i', (how, code, says) => {
    const failing = { ...env, TROUPE_FIXTURE: how };
    const file = fixture('root-that-fails');
    const ended = troupeWith(failing, 'node', file, '--name', 'a', '--listen', '0');
    expect(ended.stderr).toContain(says);
    expect(ended.status).toBe(code);
  });

  // A terminal of its own is given to it by util-linux's `script`.
  const hasTerminal = spawnSync('script', ['--version']).status === 0;
  it.skipIf(!hasTerminal)('writes its log for people on a terminal, unless told otherwise', () => {
    const onTerminal = (flags: string): string => {
      const command = `${process.execPath} --import tsx --conditions=source cli/main.ts node ${fixture('root-that-fails')} --name a ${flags}`;
      const terminal = {
        cwd: root,
        env: { ...env, TROUPE_FIXTURE: 'end' },
        encoding: 'utf8',
      } as const;
      return spawnSync('script', ['-qec', command, '/dev/null'], terminal).stdout;
    };
    expect(onTerminal('')).toMatch(/INFO.*started/);
    expect(onTerminal('--json')).toContain('"msg":"started"');
  });
});
