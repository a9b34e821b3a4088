/**
 * `troupe cluster`: who sees whom, groups and queues, once or again and again.
 */
import { createClock, createSystem } from '../runtime/index.ts';
import { LinkFailed, observeCluster, type NodeView } from '../transport/index.ts';
import { clientOf, secretOf, type CertificateFlags } from './credentials.ts';
import { oneSided, textOfCluster } from './cluster-text.ts';
import { EXIT } from './misuse.ts';

/** The flags of `troupe cluster`, as Commander gives them. */
export interface ClusterFlags extends CertificateFlags {
  readonly connect: string;
  readonly name: string;
  readonly insecure?: true;
  readonly json?: true;
  readonly watch?: true;
}

const WATCH_MS = 2_000;
const CLEAR = '\u001B[2J\u001B[H';

/** Shows the cluster; returns the exit code, which a watch never does. */
export async function runCluster(flags: ClusterFlags): Promise<number> {
  const { connect, name, insecure = false } = flags;
  const system = createSystem({ name, log: false });
  const options = { connect, secret: secretOf(process.env), insecure, ...clientOf(flags) };
  const look = async (): Promise<number> => {
    try {
      const views = await observeCluster(system, options);
      print(flags, { nodes: views, oneSided: oneSided(views) }, () => textOfCluster(views));
      return isWhole(views) ? EXIT.clean : EXIT.violation;
    } catch (error) {
      // A cluster that cannot be reached now may be reached at the next look.
      if (!(error instanceof LinkFailed)) throw error;
      if (flags.json === true) print(flags, { error: error.message }, () => '');
      else process.stderr.write(`troupe: ${error.message}\n`);
      return EXIT.violation;
    }
  };
  const clock = createClock();
  let code = await look();
  while (flags.watch === true) {
    await new Promise<void>((resolve) => clock.setTimeout(resolve, WATCH_MS));
    code = await look();
  }
  await system.stop();
  return code;
}

function isWhole(views: readonly NodeView[]): boolean {
  return views.every((view) => 'report' in view) && oneSided(views).length === 0;
}

function print({ json, watch }: ClusterFlags, result: object, text: () => string): void {
  if (json === true) process.stdout.write(`${JSON.stringify(result, null, watch ? 0 : 2)}\n`);
  else process.stdout.write(`${watch && process.stdout.isTTY ? CLEAR : ''}${text()}\n`);
}
