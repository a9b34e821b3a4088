/**
 * What a node shows the others, and what they must show: the secret, from the environment, where no
 * list of processes shows it; certificates, from files.
 */
import { readFileSync } from 'node:fs';
import type { JoinOptions } from '../transport/index.ts';
import { Misuse, inShort } from './misuse.ts';

/** The flags of certificates, as Commander gives them. */
export interface CertificateFlags {
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
}

/** The secret of the cluster, and one more that is accepted while it is being changed. */
export function secretOf(environment: NodeJS.ProcessEnv): readonly string[] {
  const { TROUPE_SECRET: secret = '', TROUPE_SECRET_ALSO: also = '' } = environment;
  if (secret === '')
    throw new Misuse(
      'TROUPE_SECRET is not set',
      'All nodes of a cluster share one secret, of at least 16 characters: export TROUPE_SECRET=…',
    );
  return also === '' ? [secret] : [secret, also];
}

/** What is shown to a node that is dialed, and what it must show. */
export function clientOf({ cert, key, ca }: CertificateFlags): Pick<JoinOptions, 'client'> {
  if ((cert === undefined) !== (key === undefined))
    throw new Misuse('--cert and --key belong together');
  if (cert === undefined && ca === undefined) return {};
  return {
    client: {
      ...(ca !== undefined && { ca: contentOf('--ca', ca) }),
      ...(cert !== undefined && { cert: contentOf('--cert', cert) }),
      ...(key !== undefined && { key: contentOf('--key', key) }),
    },
  };
}

/** The same for a node that listens: with --ca it takes only those who show a certificate of it. */
export function serverOf(flags: CertificateFlags): Pick<NonNullable<JoinOptions['listen']>, 'tls'> {
  const { client } = clientOf(flags);
  if (client?.cert === undefined) return {};
  return { tls: { ...client, ...(client.ca !== undefined && { requestCert: true }) } };
}

function contentOf(flag: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Misuse(`${flag} cannot be read: ${inShort(error)}`);
  }
}
