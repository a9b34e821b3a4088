/** The document desk: `npm start -- --help` tells what it does. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { HELP, parseArguments, UsageError } from './arguments.ts';
import { runDesk } from './desk.ts';
import { summaryOf, toHtml, toMarkdown } from './report.ts';
import { walk } from './walk.ts';

async function main(): Promise<void> {
  const options = parseArguments(process.argv.slice(2));
  const { out, json, help } = options;
  if (help) return console.log(HELP);
  const paths = await walk(options.paths);
  const refuse = (cause: Error) => {
    throw new UsageError(`--out cannot be "${out}": ${cause.message}`, { cause });
  };
  if (!json) await mkdir(out, { recursive: true }).catch(refuse);
  const report = await runDesk(paths, options, process.stderr);
  process.exitCode = report.documents.every(({ outcome }) => outcome === 'done') ? 0 : 1;
  if (json) return console.log(JSON.stringify(report, null, 2));
  await writeFile(join(out, 'report.md'), toMarkdown(report));
  await writeFile(join(out, 'report.html'), toHtml(report));
  console.log(`${summaryOf(report)}: see ${join(out, 'report.html')}`);
}

// Whoever reads the output may leave early, as `head` does.
process.stdout.on('error', () => undefined);
await main().catch((error: NodeJS.ErrnoException) => {
  const isMisuse = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  if (!isMisuse) throw error;
  console.error(`${error.message}\nTry: npm start -- --help`);
  process.exitCode = 2;
});
