#!/usr/bin/env node
/**
 * The `troupe` command: `check` explores the scenarios of a module, `replay` shows one run again,
 * `node` runs a node of a cluster, and `cluster` shows who is in one.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import type { CheckFlags } from './command-check.ts';
import type { ClusterFlags } from './command-cluster.ts';
import type { NodeFlags } from './command-node.ts';
import type { ReplayFlags } from './command-replay.ts';
import { expectShortLives } from './heap.ts';
import { EXIT, Misuse, inShort } from './misuse.ts';
import { countOf, durationOf, listenOf, oneMore, positive } from './options.ts';

const STRATEGIES = ['portfolio', 'exhaustive', 'fifo', 'random', 'pctcp', 'pos', 'delays', 'flip'];

const ALL_EXITS = `
Exit codes:
  0  all is well
  1  a scenario fails; a node or its cluster is not well
  2  the command line, a file, a scenario or the secret is wrong
  3  a scenario does not repeat: it depends on something outside of the simulation`;

const EXITS = `
Exit codes:
  0  no scenario fails
  1  a scenario fails
  2  the command line, a file or a scenario is wrong
  3  a scenario does not repeat: it depends on something outside of the simulation`;

const NODE_EXITS = `
The secret that all nodes share stands in TROUPE_SECRET; a second one that is accepted, while it is
being changed, in TROUPE_SECRET_ALSO. With --cert and --key the node listens on wss; with --ca it
takes only those who show a certificate of it, and dials only them.

Exit codes:
  0  it was told to end (SIGTERM or SIGINT), or its root has ended normally
  1  its root cannot start, or has crashed
  2  the command line, the module or the secret is wrong, or the port is taken`;

const CLUSTER_EXITS = `
The secret stands in TROUPE_SECRET. Nodes with an allow-list must let in the name of the observer.

Exit codes:
  0  all nodes answer, and each link is seen from both sides
  1  a node does not answer, or a link is seen from one side only
  2  the command line or the secret is wrong`;

function programOf(onEnd: (code: number) => void): Command {
  const program = new Command('troupe')
    .description('Explores the schedules of agents, and runs them on the nodes of a cluster.')
    .version(versionOf())
    .exitOverride()
    .showHelpAfterError('(troupe --help says how it is used)')
    .addHelpText('after', ALL_EXITS);
  program
    .command('check')
    .description('explores the scenarios that the modules export')
    .argument('<file...>', 'modules that export scenarios (.ts, .js)')
    .addOption(new Option('--strategy <name>', 'how schedules are chosen').choices(STRATEGIES))
    .option('--schedules <count>', 'schedules of each scenario (default: 500)', countOf)
    .option('--time <duration>', 'time for each scenario, such as 500ms, 3s or 10m', durationOf)
    .option('--seed <number>', 'what all chance follows from (default: 1)', countOf)
    .option('--jobs <count>', 'threads that search each scenario (default: 1)', positive)
    .option('--failures <count>', 'different bugs to look for (default: 1)', positive)
    .option('--store <folder>', 'where failures are kept (default: .troupe beside each file)')
    .option('--no-store', 'keeps no failures, and tries none that was kept')
    .option('--json', 'writes an array of results instead of text')
    .option('--mermaid', 'adds a sequence diagram to each explanation')
    .option('--svg <file>', 'writes the diagram of what fails as an SVG')
    .option('--graph', 'runs nothing: says who can send what to whom, and what looks wrong')
    .addHelpText('after', EXITS)
    .action(async (files: string[], flags: CheckFlags) => {
      expectShortLives();
      const { runCheck } = await needed(import('./command-check.ts'));
      onEnd(await runCheck(files, flags));
    });
  program
    .command('replay')
    .description('shows the run of a token step by step, and writes its diagrams to .troupe/')
    .argument('<token>', 'what an explanation ends with')
    .argument('<file...>', 'the modules, one of which exports its scenario')
    .option('--json', 'writes the run as JSON instead of text')
    .option('--out <folder>', 'where the diagrams go', '.troupe')
    .addHelpText('after', EXITS)
    .action(async (token: string, files: string[], flags: ReplayFlags) => {
      expectShortLives();
      const { runReplay } = await needed(import('./command-replay.ts'));
      onEnd(await runReplay(token, files, flags));
    });
  program
    .command('node')
    .description('runs a node: the root supervisor that a module exports, linked with other nodes')
    .argument('<file>', 'a module whose default export is a supervisor, or a function of the node')
    .requiredOption('--name <name>', 'the name of the node, which stands in its addresses')
    .option('--listen <port>', 'where other nodes reach it, as port or host:port', listenOf)
    .option('--seed <url>', 'a node to be linked with; can stand several times', oneMore, [])
    .option('--cert <file>', 'its certificate')
    .option('--key <file>', 'the key of it')
    .option('--ca <file>', 'the authority of the certificates of others')
    .option('--insecure', 'allows plain ws beyond this machine')
    .option('--json', 'writes its log as JSON on a terminal too')
    .addHelpText('after', NODE_EXITS)
    .action(async (file: string, flags: NodeFlags) => {
      const { runNode } = await import('./command-node.ts');
      // What the module has left running does not keep a node that has left.
      process.exit(await runNode(file, flags));
    });
  program
    .command('cluster')
    .description('shows a cluster: who sees whom, groups, queues; it takes no part in it')
    .requiredOption('--connect <url>', 'the node to begin with')
    .option('--name <name>', 'the name of the observer', 'observer')
    .option('--cert <file>', 'the certificate to show')
    .option('--key <file>', 'the key of it')
    .option('--ca <file>', 'the authority of the certificates of nodes')
    .option('--insecure', 'allows plain ws beyond this machine')
    .option('--watch', 'looks again and again')
    .option('--json', 'writes JSON instead of text; with --watch, a line for each look')
    .addHelpText('after', CLUSTER_EXITS)
    .action(async (flags: ClusterFlags) => {
      const { runCluster } = await import('./command-cluster.ts');
      onEnd(await runCluster(flags));
    });
  return program;
}

/** The simulation needs fast-check, which a user of the runtime alone does not have. */
async function needed<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const missing = /package '([^']+)'/.exec(message ?? '')?.[1];
    if (code !== 'ERR_MODULE_NOT_FOUND' || missing === undefined) throw error;
    throw new Misuse(
      `${missing} is not installed`,
      `Install it: npm install --save-dev ${missing}`,
    );
  }
}

function versionOf(): string {
  for (const place of ['../package.json', '../../package.json'])
    try {
      const { name, version } = JSON.parse(
        readFileSync(new URL(place, import.meta.url), 'utf8'),
      ) as { name: string; version: string };
      if (name === 'troupe') return version;
    } catch {
      // It stands one folder further up once it is built.
    }
  return 'unknown';
}

/** Runs the command, and says what the process ends with. */
async function main(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.clean;
  try {
    await programOf((end) => (code = end)).parseAsync(argv);
    return code;
  } catch (error) {
    // Commander has said what is wrong already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.misuse;
    process.stderr.write(`troupe: ${error instanceof Misuse ? error.message : inShort(error)}\n`);
    return EXIT.misuse;
  }
}

process.exitCode = await main(process.argv);
