/** What a node tells of itself to whoever looks at the cluster: whom it sees, its groups, its queues. */
import type { System } from '../runtime/index.ts';
import { coreOf } from '../runtime/internal.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { malformed } from './scan.ts';

/** What a node knows of another one that it is linked with. */
export interface NodeInfo {
  readonly node: string;
  readonly incarnation: string;
  readonly suspected: boolean;
  readonly silentMs: number;
  /** Bytes that it has not taken yet. */
  readonly waitingBytes: number;
}

/** A group, as a node sees it. */
export interface GroupReport {
  readonly group: string;
  /** How many members; `members` names the first of them. */
  readonly count: number;
  readonly members: readonly string[];
}

/** A mailbox in which messages wait. */
export interface MailboxReport {
  readonly path: string;
  readonly messages: number;
  readonly oldestMs: number;
}

/** What a node tells of itself. */
export interface NodeReport {
  readonly node: string;
  readonly incarnation: string;
  /** Where it listens; empty when it does not. */
  readonly address: string;
  readonly agents: number;
  readonly queuedMessages: number;
  readonly openRequests: number;
  readonly deadLetters: number;
  readonly crashes: number;
  readonly restarts: number;
  readonly loopLagMs: number;
  /** The nodes that it is linked with, by name. */
  readonly peers: readonly NodeInfo[];
  readonly groups: readonly GroupReport[];
  /** The fullest first. */
  readonly mailboxes: readonly MailboxReport[];
}

/** The numbers and queues of a system, for the report of its node. */
export function systemReport(
  system: System,
): Omit<NodeReport, 'node' | 'incarnation' | 'address' | 'peers' | 'groups'> {
  const { agents, queuedMessages, openRequests, deadLetters, crashes, restarts, loopLagMs } =
    system.stats();
  const { cells, clock } = coreOf(system);
  const nowMs = clock.now();
  const mailboxes = [...cells.values()]
    .filter(({ mailbox }) => mailbox.depth > 0)
    .sort((a, b) => b.mailbox.depth - a.mailbox.depth)
    .slice(0, TRANSPORT_LIMITS.reportRowsMax)
    .map(({ path, mailbox }) => ({
      path,
      messages: mailbox.depth,
      oldestMs: nowMs - (mailbox.oldestMs() ?? nowMs),
    }));
  return {
    agents,
    queuedMessages,
    openRequests,
    deadLetters,
    crashes,
    restarts,
    loopLagMs,
    mailboxes,
  };
}

type Kinds = Readonly<Record<string, 'string' | 'number' | 'boolean'>>;

const REPORT: Kinds = {
  node: 'string',
  incarnation: 'string',
  address: 'string',
  agents: 'number',
  queuedMessages: 'number',
  openRequests: 'number',
  deadLetters: 'number',
  crashes: 'number',
  restarts: 'number',
  loopLagMs: 'number',
};
const PEER: Kinds = {
  node: 'string',
  incarnation: 'string',
  suspected: 'boolean',
  silentMs: 'number',
  waitingBytes: 'number',
};
const GROUP: Kinds = { group: 'string', count: 'number' };
const MAILBOX: Kinds = { path: 'string', messages: 'number', oldestMs: 'number' };

/** The report that came in from another node. Throws `MalformedFrame`. */
export function reportOf(wire: unknown): NodeReport {
  const report = recordOf(wire, REPORT);
  listOf(report['peers'], PEER);
  for (const { members } of listOf(report['groups'], GROUP))
    if (!Array.isArray(members) || !members.every((member) => typeof member === 'string'))
      throw malformed('a report');
  listOf(report['mailboxes'], MAILBOX);
  return wire as NodeReport;
}

function listOf(wire: unknown, kinds: Kinds): Record<string, unknown>[] {
  if (!Array.isArray(wire)) throw malformed('a report');
  return wire.map((item) => recordOf(item, kinds));
}

function recordOf(wire: unknown, kinds: Kinds): Record<string, unknown> {
  if (typeof wire !== 'object' || wire === null) throw malformed('a report');
  const record = wire as Record<string, unknown>;
  for (const [field, kind] of Object.entries(kinds))
    if (typeof record[field] !== kind) throw malformed('a report');
  return record;
}
