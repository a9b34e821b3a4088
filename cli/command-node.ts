/**
 * `troupe node`: a node that runs the root supervisor of a module, until it is told to end.
 */
import { pino, type DestinationStream } from 'pino';
import type { AnyActorLogic } from 'xstate';
import { createSystem, stopOnSignals, type Log, type System } from '../runtime/index.ts';
import { joinCluster, type ClusterNode } from '../transport/index.ts';
import { clientOf, secretOf, serverOf, type CertificateFlags } from './credentials.ts';
import { loadModule } from './load.ts';
import { EXIT, Misuse, inShort } from './misuse.ts';

/** The flags of `troupe node`, as Commander gives them. */
export interface NodeFlags extends CertificateFlags {
  readonly name: string;
  readonly listen?: { readonly port: number; readonly host?: string };
  readonly seed: readonly string[];
  readonly insecure?: true;
  readonly json?: true;
}

/** What a module exports: its root, or what makes it for a node. */
type Root =
  AnyActorLogic | ((node: ClusterNode, system: System) => AnyActorLogic | Promise<AnyActorLogic>);

/** Runs the node; returns the exit code once it has left. */
export async function runNode(file: string, flags: NodeFlags): Promise<number> {
  const { name, listen, seed, insecure = false } = flags;
  const secret = secretOf(process.env);
  const certificates = clientOf(flags);
  const root = await loadRoot(file);
  const log = pino({ name }, await logStream(flags.json === true));
  const system = createSystem({ name, log });
  let isLeaving = false;
  const left = new Promise<number>((resolve) =>
    stopOnSignals(system, { onStopped: () => resolve(EXIT.clean) }),
  );
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      isLeaving = true;
      log.info({ signal }, 'leaving; a second signal ends the process at once');
    });
  const node = await joinCluster(system, {
    secret,
    seeds: seed,
    insecure,
    ...certificates,
    ...(listen !== undefined && { listen: { ...listen, ...serverOf(flags) } }),
  });
  tell(node, log);
  const { address, incarnation } = node;
  log.info({ address, incarnation }, address === undefined ? 'joined' : 'listening');
  try {
    const ref = await system.start(typeof root === 'function' ? await root(node, system) : root, {
      id: 'root',
    });
    log.info({ root: ref.address }, 'started');
    const ended = new Promise<number>((resolve) =>
      system.monitor(ref, ({ reason }) => {
        if (isLeaving) return;
        log.error({ reason: reason.type }, 'the root has ended, and the node leaves');
        // A supervisor that gives up ends with `shutdown`, and nobody has told it to.
        resolve(reason.type === 'normal' ? EXIT.clean : EXIT.violation);
      }),
    );
    return await Promise.race([left, ended]);
  } catch (error) {
    if (isLeaving) return await left;
    process.stderr.write(`troupe: the root of ${file} cannot start: ${inShort(error)}\n`);
    return EXIT.violation;
  } finally {
    await system.stop();
  }
}

async function loadRoot(file: string): Promise<Root> {
  const exported = await loadModule(file);
  const root = exported['default'] ?? exported['root'];
  if (typeof root === 'function' || isLogic(root)) return root as Root;
  const names = Object.keys(exported);
  throw new Misuse(
    `${file} exports no root; it exports ${names.length === 0 ? 'nothing' : names.join(', ')}`,
    'A root is a supervisor, or a function of (node, system) that gives one: export default supervisor({ children: [ … ] });',
  );
}

function isLogic(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'transition' in value;
}

/** Lines for people who watch, as far as pino-pretty is there; JSON for everybody else. */
async function logStream(asJson: boolean): Promise<DestinationStream> {
  const destination = 2;
  if (!asJson && process.stderr.isTTY)
    try {
      const { PinoPretty } = await import('pino-pretty');
      return PinoPretty({ destination, sync: true, ignore: 'pid,hostname' });
    } catch {
      // It is optional.
    }
  return pino.destination({ dest: destination, sync: true });
}

/** What the node learns of the others, in its log; that one is lost it says itself. */
function tell(node: ClusterNode, log: Log): void {
  node.on('nodeup', (event) => log.info(event, 'node up'));
  node.on('suspect', (event) => log.warn(event, 'nothing comes from a node'));
  node.on('alive', (event) => log.info(event, 'it is there again'));
  node.on('stalled', (event) => log.warn(event, 'this process stood still'));
  node.on('conflict', (event) => log.error(event, 'another node has this name'));
  node.on('unreachable', ({ seed, attempts, error }) => {
    const level = attempts === 1 ? 'warn' : 'debug';
    log[level]({ seed, attempts, why: (error as Error).message }, 'a seed cannot be reached');
  });
}
