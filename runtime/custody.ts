/**
 * The custody of a request: who has had it, what each of them did with it, and when. Hops are noted
 * while a watchdog looks; where the request lies is seen when somebody wants to know.
 */
import type { Ask } from './ask.ts';
import type { Envelope, Lineage } from './envelope.ts';
import { LIMITS } from './limits.ts';

/** Someone who has had a request, or has it. */
export interface CustodyEntry {
  /** The address of an agent; `node/` for code outside agents. */
  readonly agent: string;
  /**
   * - `asked`, `forwarded`: it sent the request on, as one of its own or as it was.
   * - `waits for room`, `queued`, `postponed`: the request lies at its mailbox.
   * - `started`: it has taken the request and owes the answer.
   * - `crashed`: it crashed on it.
   * - `had`: no more is known, of hops on other nodes and of those before the watch began.
   */
  readonly did:
    | 'asked'
    | 'forwarded'
    | 'waits for room'
    | 'queued'
    | 'postponed'
    | 'started'
    | 'crashed'
    | 'had';
  /** The type of the request, or of the message that it was sent as. */
  readonly message?: string;
  /** The number of that message on this node. */
  readonly id?: number;
  /** The clock's monotonic milliseconds; of what was sent on, when it came in. */
  readonly atMs?: number;
}

/** The way of an open request up to where it lies, the newest entries last. */
export function custodyOfAsk(ask: Ask): CustodyEntry[] {
  const { lineage, at, holder, request: message, takenAtMs: atMs } = ask;
  if (at === undefined) return hopsOf(lineage);
  const { address: agent } = at;
  if (holder !== undefined)
    return hopsOf(lineage, { agent, did: 'started', message, ...idOf(lineage), atMs });
  let left = at.mailbox.postponed;
  for (const envelope of at.mailbox) {
    left -= 1;
    if (envelope.ask === ask)
      return custodyOfMessage(envelope, agent, left >= 0 ? 'postponed' : 'queued');
  }
  for (const envelope of at.outside)
    if (envelope.ask === ask) return custodyOfMessage(envelope, agent, 'waits for room');
  return hopsOf(lineage);
}

/** The way of a message up to the agent at which it lies. */
export function custodyOfMessage(
  { lineage, type: message, id, enqueuedAtMs }: Envelope,
  agent: string,
  did: CustodyEntry['did'],
  atMs = enqueuedAtMs,
): CustodyEntry[] {
  return hopsOf(lineage, { agent, did, message, id, atMs });
}

/** The last hops, oldest first, and what came of them; at most `custodyMax`. */
export function hopsOf(lineage: Lineage | undefined, last?: CustodyEntry): CustodyEntry[] {
  const entries = last === undefined ? [] : [last];
  for (let at = lineage; at?.from !== undefined; at = at.before) {
    if (entries.length === LIMITS.custodyMax) break;
    entries.push(hopOf(at.from, at.hop, at.before?.hop));
  }
  return entries.reverse();
}

function hopOf(
  agent: string,
  hop: Envelope | undefined,
  before: Envelope | undefined,
): CustodyEntry {
  if (hop === undefined) return { agent, did: 'had' };
  const { ask, from, type: message, id, enqueuedAtMs } = hop;
  // Who asked may have got its own request back, and handed it on.
  const isOwn = from === ask?.by && before?.ask !== ask;
  // While it waits for room it has not come in.
  const atMs = enqueuedAtMs || (ask?.madeAtMs ?? 0);
  return { agent, did: isOwn ? 'asked' : 'forwarded', message, id, atMs };
}

function idOf({ hop }: Lineage): { readonly id?: number } {
  return hop === undefined ? {} : { id: hop.id };
}
