// The README's program of a node does what it says below it, beside a node of this process.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { agentName, createSystem, fromHandler, type Ref, type ReplyTo } from 'troupe';
import { joinCluster } from 'troupe/transport';

type Check = { type: 'check'; text: string; replyTo: ReplyTo<{ type: 'checked'; words: number }> };

const root = fileURLToPath(new URL('../..', import.meta.url));
const secret = 'what both of them know';

it('the node of the README asks an agent of another node', { timeout: 60_000 }, async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, section = ''] = readme.split('\n## Second use\n');
  const [, program = '', printed] = /```ts\n([^]*?)```\n+```text\n([^]*?)```/.exec(section) ?? [];
  const system = createSystem({ name: 'core-1', log: false });
  system.spawn(
    fromHandler<undefined, Check>({
      receive: (_state, request, ctx) =>
        ctx.reply(request, { type: 'checked', words: request.text.split(' ').length }),
    }),
    { name: agentName<Ref<Check>>('checker') },
  );
  const core = await joinCluster(system, { listen: { port: 0 }, secret });
  const folder = mkdtempSync(join(tmpdir(), 'troupe-readme-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/troupe'), 'junction');
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
    // Only the ports are others: those of the README may be taken.
    const ported = program
      .replace('port: 7001', 'port: 0')
      .replace('ws://127.0.0.1:7000', core.address ?? '');
    expect(ported).toContain(core.address);
    writeFileSync(join(folder, 'node.ts'), ported);
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', '--conditions=source', join(folder, 'node.ts')],
      { cwd: root, env: { ...process.env, TROUPE_SECRET: secret } },
    );
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(err).toBe('');
    expect(out).toBe(printed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await system.stop();
  }
});
