/**
 * Another node, from the moment a link to it is up until that link is lost: what is open between
 * the two. When it is lost, every ask, monitor and link over it ends with `noconnection`, once.
 */
import {
  ActorEnded,
  InvalidOption,
  UnfitPayload,
  type AnyRef,
  type ExitReason,
  type StopOptions,
} from '../runtime/index.ts';
import {
  Envelope,
  NOCONNECTION,
  NOPROC,
  checkReason,
  Lineage,
  type Ask,
  type Asker,
  type Cell,
  type Core,
  type Life,
  type RemoteEnd,
} from '../runtime/internal.ts';
import {
  checkPayload,
  fromWire,
  toWire,
  toWireLeniently,
  wireAskOf,
  type Refs,
  type WireAsk,
} from './codec.ts';
import { probeOf, wireProbe, type Probe } from './deadlocks.ts';
import { LinkFull, MalformedFrame, NotAllowed, PeerLimit } from './errors.ts';
import type { Identity } from './handshake.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import { CLOSE, type Link } from './link.ts';
import { Fields, OP, wireLineage } from './operation.ts';
import { allows, maySee, type PeerRights } from './rights.ts';
import { malformed } from './scan.ts';
import { Stream } from './stream.ts';
import { summaryOf } from './summary.ts';

/** What a path that is a name begins with, as in the addresses of the runtime. */
const NAME = '/(name ';
const NO_ANSWER = 'no answer: the link is lost or full';

/** How a peer was lost; `here` when this side ended the link. */
export interface PeerEnd {
  readonly code: number;
  readonly reason: string;
  readonly here: boolean;
}

/** What a peer tells its node, each once. */
export interface PeerReport {
  /** Nothing can be sent to it any more; what is open is about to end. */
  gone(peer: Peer): void;
  /** All that was open has ended. */
  lost(end: PeerEnd): void;
  /** Its process stood still for a while, and goes on. */
  stalled(stalledMs: number): void;
  /** One of its agents has joined a group, or left it; false when there are too many. */
  member(isJoin: boolean, group: string, path: string): boolean;
  /** The report of the node at the end of a way from here, or why there is none. */
  look(way: readonly string[]): Promise<unknown>;
  /** It claims a name of the cluster; false when there are too many. */
  claim(peer: Peer, id: number, name: string, path: string, order: number): boolean;
  claimed(id: number, name: string, isAllowed: boolean): void;
  unclaim(name: string): void;
  /** A probe for a deadlock follows a request that came from it. */
  probe(ask: Ask, probe: Probe): void;
}

/** For a link to or from an observer, which takes no part: what it may do, and what becomes of what it tells. */
export const APART_RIGHTS: PeerRights = { send: [], link: [], stop: [], look: true };
export const APART: PeerReport = {
  gone: () => undefined,
  lost: () => undefined,
  stalled: () => undefined,
  member: () => true,
  claim: () => true,
  claimed: () => undefined,
  unclaim: () => undefined,
  probe: () => undefined,
  look: async () => 'not allowed',
};

/** A link between a life here and a place there. */
interface RemoteLink {
  readonly life: Life;
  readonly path: string;
  /** Which side has asked for it. */
  readonly isTheirs: boolean;
  readonly forget: () => void;
}

export class Peer {
  readonly identity: Identity;
  /** Which link of its node it is, in the order in which they came up. */
  readonly upAt: number;
  readonly #core: Core;
  readonly #link: Link;
  readonly #rights: PeerRights;
  readonly #report: PeerReport;
  readonly #stream: Stream;
  readonly #refs: Refs;
  #open = true;
  #isClosing = false;
  /** Our requests that the other side answers, and whether their loss is for us to tell. */
  readonly #exports = new Map<number, { readonly ask: Ask; readonly owed: boolean }>();
  /** Its requests, as requests of our own; and those of which it knows that they are handled. */
  readonly #imports = new Map<number, Ask>();
  readonly #toldStarted = new Set<number>();
  /** Our watches there, and its watches here. */
  readonly #watches = new Map<number, RemoteEnd>();
  readonly #watched = new Map<number, () => void>();
  readonly #links = new Map<string, RemoteLink>();
  #linksOfTheirs = 0;
  readonly #stops = new Map<
    number,
    { resolve: (reason: ExitReason) => void; reject: (error: unknown) => void }
  >();
  readonly #looks = new Map<number, (report: unknown) => void>();
  /** The lineage of the last envelope that had one, each way. */
  #lineageSent: Lineage | undefined;
  #lineageTaken: Lineage | undefined;
  #nextId = 1;
  #left: (() => void) | undefined;

  constructor(
    core: Core,
    identity: Identity,
    upAt: number,
    link: Link,
    rights: PeerRights,
    report: PeerReport,
  ) {
    this.#core = core;
    this.identity = identity;
    this.upAt = upAt;
    this.#link = link;
    this.#rights = rights;
    this.#report = report;
    this.#refs = {
      refAt: (address) => core.refAt(address),
      exportAsk: (ask) => this.#exportAsk(ask, false),
      importAsk: (wire) => this.#importAsk(wire, undefined),
    };
    this.#stream = new Stream(link, core.clock, core.scheduler, {
      operation: (operation) => this.#onOperation(operation),
      goodbye: () => this.close(CLOSE.left, 'left'),
      stalled: (stalledMs) => report.stalled(stalledMs),
      broken: (code, reason) => this.close(code, reason),
      taken: (ask) => {
        if ((ask as Ask).progress === 'not delivered') (ask as Ask).progress = 'queued';
      },
    });
    link.onFrame = (bytes) => this.#onFrame(bytes);
    link.onClose = ({ code, reason }) => this.#end({ code, reason, here: this.#isClosing });
  }

  get name(): string {
    return this.identity.name;
  }

  /** When the last frame came. */
  get heardAtMs(): number {
    return this.#stream.heardAtMs;
  }

  /**
   * This process stood still: what came meanwhile has not been read yet, so that time is no silence
   * of the peer's, which is told what it may have taken for the end of this node.
   */
  stoodStill(stalledMs: number): void {
    this.#stream.heardAtMs = Math.min(this.#core.clock.now(), this.heardAtMs + stalledMs);
    this.#stream.control('stalled', Math.round(stalledMs));
  }

  /** Bytes that it has not taken yet. */
  get waitingBytes(): number {
    return this.#stream.waitingBytes;
  }

  // ── To the other node ───────────────────────────────────────────────────────────────────────

  /** Sends an envelope; one that does not fit is refused to its sender. */
  send(envelope: Envelope): void {
    const { ask, message, from, to } = envelope;
    const path = this.#pathAt(to.address);
    const { lineage: own } = envelope;
    // What one step sends has one lineage, which goes once.
    const isLast = own !== undefined && own === this.#lineageSent;
    const lineage = isLast || wireLineage(own, this.#core.clock.now());
    try {
      for (const text of [to.address, from ?? '', envelope.type]) checkText(text, 'message');
      const wire = toWire(message, this.#refs, `message "${envelope.type}"`);
      const operation =
        ask === undefined
          ? [OP.send, path, from ?? null, lineage, wire]
          : [OP.ask, path, from ?? null, lineage, wire, this.#exportAsk(ask, true)];
      if (this.#stream.send(operation, false, ask)) {
        if (own !== undefined) this.#lineageSent = own;
        return;
      }
      const { windowBytes } = TRANSPORT_LIMITS;
      const error = new LinkFull({ node: this.name, message: envelope.type, windowBytes });
      this.#refuse(envelope, error);
    } catch (error) {
      const cause = error instanceof MalformedFrame ? this.#tooBig(envelope, error) : error;
      this.#refuse(envelope, cause);
    }
  }

  #tooBig(envelope: Envelope, error: MalformedFrame): UnfitPayload {
    const at = `message "${envelope.type}"`;
    return new UnfitPayload({ at, given: envelope.type, why: String(error.fields['why']) });
  }

  #refuse(envelope: Envelope, error: unknown): void {
    if (envelope.ask === undefined) this.#core.deadLetter(envelope, 'refused', error);
    else {
      this.#exports.delete(envelope.ask.id);
      envelope.ask.fail(error);
    }
  }

  /** Watches the life at a ref. */
  monitor(ref: AnyRef, tell: RemoteEnd): () => void {
    checkText(ref.path, 'ref');
    this.#checkWatches('a monitor');
    const id = this.#nextId++;
    this.#watches.set(id, tell);
    this.#must([OP.monitor, id, ref.path]);
    return () => {
      if (this.#watches.delete(id)) this.#must([OP.demonitor, id]);
    };
  }

  link(life: Life, to: AnyRef): void {
    if (this.#links.has(keyOf(life.cell.path, to.path))) return;
    for (const path of [life.cell.path, to.path]) checkText(path, 'ref');
    this.#checkWatches('a link');
    this.#addLink(life, to.path, false);
    this.#must([OP.link, life.cell.path, to.path]);
  }

  /** Each side counts what it has asked for, and holds the other to the same bound. */
  #checkWatches(asked: string): void {
    const { watchesMax: max } = TRANSPORT_LIMITS;
    if (this.#watches.size + this.#links.size - this.#linksOfTheirs < max) return;
    throw new PeerLimit({ node: this.name, asked, limit: 'watchesMax', max });
  }

  unlink(life: Life, from: AnyRef): void {
    if (this.#forgetLink(life.cell.path, from.path) === undefined) return;
    this.#must([OP.unlink, life.cell.path, from.path]);
  }

  exit(from: Cell, to: AnyRef, reason: ExitReason): void {
    for (const path of [from.path, to.path]) checkText(path, 'ref');
    this.#mustTell(reason, (wire) => [OP.exit, from.path, to.path, wire]);
  }

  stop(ref: AnyRef, how: StopOptions | 'kill'): Promise<ExitReason> {
    checkText(ref.path, 'ref');
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#stops.set(id, { resolve, reject });
      if (how === 'kill') this.#must([OP.stop, id, ref.path, null]);
      else {
        const { timeoutMs = null, detail } = how;
        this.#mustTell(detail, (wire) => [OP.stop, id, ref.path, [timeoutMs, wire]]);
      }
    });
  }

  /** Asks for the report of the node at the end of a way from there: that, or why there is none. */
  look(way: readonly string[]): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#looks.set(id, resolve);
      if (!this.#open || !this.#stream.send([OP.look, id, way], false)) this.#onSeen(id, NO_ANSWER);
    });
  }

  /** Tells that an agent of this node has joined a group, or left it. */
  member(isJoin: boolean, group: string, path: string): void {
    this.#must([isJoin ? OP.join : OP.leave, group, path]);
  }

  /** Claims a name of the cluster for an agent of this node. */
  claim(id: number, name: string, path: string, order: number): void {
    this.#must([OP.claim, id, name, path, order]);
  }

  claimed(id: number, name: string, isAllowed: boolean): void {
    this.#must([OP.claimed, id, name, isAllowed]);
  }

  unclaim(name: string): void {
    this.#must([OP.unclaim, name]);
  }

  owes(ask: Ask): boolean {
    const entry = this.#exports.get(ask.id);
    return entry?.ask === ask && entry.owed;
  }

  owesSince(ms: number): boolean {
    for (const { ask, owed } of this.#exports.values())
      if (owed && ask.state === 'open' && ask.madeAtMs <= ms) return true;
    return false;
  }

  /** Sends a probe after a request. It is no loss when it does not fit: another one is sent later. */
  probe(ask: Ask, probe: Probe): void {
    try {
      this.#stream.send([OP.probe, ask.id, wireProbe(probe)], false);
    } catch (error) {
      if (!(error instanceof MalformedFrame)) throw error;
    }
  }

  /** Sends what must not be lost while the link is up. */
  #must(operation: readonly unknown[]): void {
    if (!this.#open) return;
    try {
      this.#stream.send(operation, true);
    } catch (error) {
      // A reply, a reason or an output that is too big: not to tell of it would be worse.
      this.close(CLOSE.overload, error instanceof Error ? error.message : 'too big');
    }
  }

  /** Sends a reason or an error, what cannot travel of it as its text; one that no frame holds as its summary. */
  #mustTell(reason: unknown, operation: (wire: unknown) => readonly unknown[]): void {
    if (!this.#open) return;
    try {
      this.#stream.send(operation(this.#lenient(reason)), true);
    } catch {
      this.#must(operation(this.#lenient(summaryOf(reason))));
    }
  }

  #lenient(value: unknown): unknown {
    return toWireLeniently(value, this.#refs);
  }

  #pathAt(address: string): string {
    return address.slice(this.name.length);
  }

  // ── Requests ────────────────────────────────────────────────────────────────────────────────

  #exportAsk(ask: Ask, owed: boolean): WireAsk {
    const { id, request, target, lineage } = ask;
    if (owed || !this.#exports.has(id)) this.#exports.set(id, { ask, owed });
    if (owed) {
      const before = ask.onSettled;
      ask.onSettled = () => {
        before?.();
        if (this.#exports.delete(id)) this.#must([OP.cancel, id]);
      };
    }
    const { deadlineMs } = lineage;
    const leftMs =
      deadlineMs === Infinity ? null : Math.max(0, deadlineMs - this.#core.clock.now());
    const { textCharsMax } = TRANSPORT_LIMITS;
    const shown = [request, target].map((text) => text.slice(0, textCharsMax)) as [string, string];
    return [this.#core.node, id, ...shown, leftMs];
  }

  /** A request of the other node, as one of ours whose answer travels back. */
  #importAsk(wire: WireAsk, lineage: Lineage | undefined): Ask {
    const [node, id, request, target, leftMs] = wire;
    if (node !== this.name) throw malformed('a request of another node');
    const known = this.#imports.get(id);
    if (known?.state === 'open') return known;
    const core = this.#core;
    const nowMs = core.clock.now();
    const deadlineMs = leftMs === null ? Infinity : nowMs + leftMs;
    const { task, budget, from, before } = lineage ?? core.newLineage();
    const own = new Lineage(task, deadlineMs, budget, from, before);
    const asker: Asker = {
      address: `${node}/`,
      check: (reply) => checkPayload(reply, `reply to "${request}"`),
      answered: (reply) => this.#answer(id, request, reply),
      failed: (error) => {
        if (this.#imports.delete(id)) this.#mustTell(error, (own) => [OP.fail, id, own]);
      },
    };
    const ask = core.ledger.make(asker, request, target, own, nowMs);
    this.#imports.set(id, ask);
    const { requestsMax: max } = TRANSPORT_LIMITS;
    if (this.#imports.size > max) {
      const asked = `request "${request}"`;
      ask.fail(new PeerLimit({ node: core.node, asked, limit: 'requestsMax', max }));
    }
    return ask;
  }

  #answer(id: number, request: string, reply: unknown): void {
    if (!this.#imports.delete(id)) return;
    try {
      const wire = toWire(reply, this.#refs, `reply to "${request}"`);
      this.#stream.send([OP.reply, id, wire], true);
    } catch (error) {
      const why = error instanceof MalformedFrame ? String(error.fields['why']) : undefined;
      const fields = { at: `reply to "${request}"`, given: request, why: why ?? '' };
      const told = why === undefined ? error : new UnfitPayload(fields);
      this.#mustTell(told, (own) => [OP.fail, id, own]);
    }
  }

  // ── From the other node ─────────────────────────────────────────────────────────────────────

  #onFrame(bytes: Uint8Array): void {
    try {
      this.#stream.take(bytes);
    } catch (error) {
      const why = error instanceof MalformedFrame ? error.message : 'it could not be handled';
      if (!(error instanceof MalformedFrame))
        this.#core.log.error({ peer: this.name, err: error }, 'a frame could not be handled');
      this.close(CLOSE.malformed, why);
    }
  }

  #onOperation(operation: readonly unknown[]): void {
    const fields = new Fields(operation);
    switch (operation[0]) {
      case OP.send:
      case OP.ask:
        return this.#onEnvelope(fields, operation[0] === OP.ask);
      case OP.reply:
      case OP.fail:
        return this.#onAnswer(fields, operation[0] === OP.reply);
      case OP.cancel: {
        const id = fields.number();
        const ask = this.#imports.get(id);
        this.#imports.delete(id);
        return ask?.cancel();
      }
      case OP.started: {
        const entry = this.#exports.get(fields.number());
        if (entry !== undefined) entry.ask.progress = 'started';
        return undefined;
      }
      case OP.monitor:
        return this.#onMonitor(fields.number(), fields.path());
      case OP.demonitor: {
        const id = fields.number();
        this.#watched.get(id)?.();
        this.#watched.delete(id);
        return undefined;
      }
      case OP.down: {
        const id = fields.number();
        const tell = this.#watches.get(id);
        this.#watches.delete(id);
        return tell?.(fields.number(), this.#reason(fields));
      }
      case OP.link:
        return this.#onLink(fields.path(), fields.path());
      case OP.unlink: {
        const theirs = fields.path();
        this.#forgetLink(fields.path(), theirs);
        return undefined;
      }
      case OP.exit:
        return this.#onExit(fields.path(), fields.path(), this.#reason(fields));
      case OP.linkDown:
        return this.#onLinkDown(fields.path(), fields.path(), this.#reason(fields));
      case OP.stop:
        return this.#onStop(fields.number(), fields.path(), fields.any());
      case OP.stopped:
        return this.#onStopped(fields);
      case OP.join:
      case OP.leave:
        if (!this.#report.member(operation[0] === OP.join, fields.text(), fields.path()))
          this.close(CLOSE.overload, 'too many members of groups');
        return undefined;
      case OP.look:
        return void this.#onLook(fields.number(), fields.texts());
      case OP.seen:
        return this.#onSeen(fields.number(), fields.any());
      case OP.probe: {
        const ask = this.#imports.get(fields.number());
        const probe = probeOf(fields.any());
        return ask === undefined ? undefined : this.#report.probe(ask, probe);
      }
      case OP.claim:
        return this.#onClaim(fields.number(), fields.text(), fields.path(), fields.number());
      case OP.claimed:
        return this.#report.claimed(fields.number(), fields.text(), fields.any() === true);
      case OP.unclaim:
        return this.#report.unclaim(fields.text());
      default:
        throw malformed('an unknown operation');
    }
  }

  #onEnvelope(fields: Fields, isAsk: boolean): void {
    const core = this.#core;
    const path = fields.path();
    const from = fields.optional(() => fields.text());
    if (from !== undefined && !from.startsWith(`${this.name}/`)) throw malformed('a false sender');
    const lineage = fields.lineage(core, this.#lineageTaken);
    if (lineage !== undefined) this.#lineageTaken = lineage;
    const wire = fields.any();
    const ask = isAsk ? this.#importAsk(wireAskOf(fields.any()), lineage) : undefined;
    // Refused, since too many are open: the message itself is not even read.
    if (ask !== undefined && ask.state !== 'open') return;
    const message = fromWire(wire, this.#refs);
    if (!isEvent(message)) throw malformed('no event');
    const cell = this.#find(path);
    const destination = cell ?? core.elsewhere(core.node, path, () => this.#find(path));
    const envelope = new Envelope(
      core.nextId(),
      destination,
      from,
      message,
      ask?.lineage ?? lineage,
      ask,
      false,
    );
    if (this.#allows(this.#rights.send ?? ['*'], path, cell)) core.deliver(envelope, undefined);
    else {
      const asked = `send "${message.type}" to`;
      const error = new NotAllowed({ address: destination.address, peer: this.name, asked });
      if (ask === undefined) core.deadLetter(envelope, 'refused', error);
      else ask.fail(error);
    }
  }

  #onAnswer(fields: Fields, isReply: boolean): void {
    const id = fields.number();
    const answer = fromWire(fields.any(), this.#refs);
    const entry = this.#exports.get(id);
    this.#exports.delete(id);
    if (entry === undefined) return;
    const { ask } = entry;
    if (!isReply) ask.fail(answer);
    else {
      const core = this.#core;
      if (!isEvent(answer)) throw malformed('no event');
      core.deliver(
        new Envelope(core.nextId(), ask, ask.target, answer, undefined, undefined, false),
        undefined,
      );
    }
  }

  #onClaim(id: number, name: string, path: string, order: number): void {
    const { claim, send } = this.#rights;
    const allowed = claim ?? (send === undefined ? ['*'] : []);
    if (!allowed.includes('*') && !allowed.includes(name)) this.claimed(id, name, false);
    else if (!this.#report.claim(this, id, name, path, order))
      this.close(CLOSE.overload, 'too many names');
  }

  #onMonitor(id: number, path: string): void {
    if (this.#watched.has(id)) throw malformed('a number of a watch twice');
    if (this.#hasTooManyWatches()) return;
    const cell = this.#find(path);
    const tell = (incarnation: number, reason: ExitReason): void => {
      this.#watched.delete(id);
      this.#mustTell(reason, (wire) => [OP.down, id, incarnation, wire]);
    };
    if (cell === undefined || !this.#allows(this.#rights.send ?? ['*'], path, cell)) {
      tell(0, NOPROC);
      return;
    }
    const { life } = cell;
    let isOver = false;
    const monitor = life.watch(undefined, ({ incarnation, reason }) => {
      isOver = true;
      tell(incarnation, reason);
    });
    if (!isOver) this.#watched.set(id, () => life.unwatch(monitor));
  }

  #hasTooManyWatches(): boolean {
    const { watchesMax } = TRANSPORT_LIMITS;
    if (this.#watched.size + this.#linksOfTheirs < watchesMax) return false;
    this.close(CLOSE.overload, 'too many monitors and links');
    return true;
  }

  #onLink(theirs: string, ours: string): void {
    if (this.#links.has(keyOf(ours, theirs)) || this.#hasTooManyWatches()) return;
    const { link, send } = this.#rights;
    const cell = this.#find(ours);
    const isThere =
      cell !== undefined &&
      (cell.status === 'running' || cell.status === 'starting') &&
      this.#allows(link ?? (send === undefined ? ['*'] : []), ours, cell);
    if (isThere) this.#addLink(cell.life, theirs, true, ours);
    else this.#mustTell(NOPROC, (wire) => [OP.linkDown, ours, theirs, wire]);
  }

  #addLink(life: Life, theirs: string, isTheirs: boolean, ours = life.cell.path): void {
    const forget = life.whenOver((reason) => {
      this.#forgetLink(ours, theirs);
      this.#mustTell(reason, (wire) => [OP.linkDown, ours, theirs, wire]);
    });
    this.#links.set(keyOf(ours, theirs), { life, path: theirs, isTheirs, forget });
    if (isTheirs) this.#linksOfTheirs += 1;
  }

  #forgetLink(ours: string, theirs: string): RemoteLink | undefined {
    const key = keyOf(ours, theirs);
    const link = this.#links.get(key);
    if (link === undefined) return undefined;
    this.#links.delete(key);
    if (link.isTheirs) this.#linksOfTheirs -= 1;
    link.forget();
    return link;
  }

  #onLinkDown(theirs: string, ours: string, reason: ExitReason): void {
    const link = this.#forgetLink(ours, theirs);
    if (link !== undefined) this.#tellExit(link, reason);
  }

  /** The exit signal of a link: the life that was linked gets it, or nobody. */
  #tellExit({ life, path }: RemoteLink, reason: ExitReason): void {
    if (life.over || life.cell.life !== life) return;
    this.#core.exitElsewhere(life.cell, this.#core.refAt(`${this.name}${path}`), reason);
  }

  #onExit(theirs: string, ours: string, reason: ExitReason): void {
    const cell = this.#find(ours);
    if (cell === undefined) return;
    if (!this.#allows(this.#rights.stop ?? [], ours, cell)) {
      this.#core.log.warn({ peer: this.name, path: cell.path }, 'an exit signal was not allowed');
      return;
    }
    const from = this.#core.refAt(`${this.name}${theirs}`);
    if (reason.type === 'killed') cell.kill();
    else this.#core.exitElsewhere(cell, from, reason);
  }

  #onStop(id: number, path: string, how: unknown): void {
    const cell = this.#find(path);
    const tell = (reason: ExitReason): void =>
      this.#mustTell(reason, (wire) => [OP.stopped, id, true, wire]);
    if (cell !== undefined && !this.#allows(this.#rights.stop ?? [], path, cell)) {
      const { address } = cell;
      const error = new NotAllowed({ address, peer: this.name, asked: 'stop' });
      this.#mustTell(error, (wire) => [OP.stopped, id, false, wire]);
      return;
    }
    if (cell === undefined) return tell(NOPROC);
    const { ref } = cell;
    let stopped: Promise<ExitReason>;
    if (how === null) stopped = ref.kill();
    else if (Array.isArray(how)) {
      const [timeoutMs, wire] = how as unknown[];
      const detail = fromWire(wire, this.#refs);
      const options = {
        ...(timeoutMs !== null && { timeoutMs: timeoutMs as number }),
        ...(detail !== undefined && { detail }),
      };
      stopped = ref.stop(options);
    } else throw malformed('a stop');
    stopped.then(tell, (error: unknown) =>
      this.#mustTell(error, (wire) => [OP.stopped, id, false, wire]),
    );
  }

  #onStopped(fields: Fields): void {
    const id = fields.number();
    const isDone = fields.any() === true;
    const wire = fields.any();
    const stop = this.#stops.get(id);
    this.#stops.delete(id);
    if (isDone) stop?.resolve(this.#reasonOf(wire));
    else stop?.reject(fromWire(wire, this.#refs));
  }

  async #onLook(id: number, way: readonly string[]): Promise<void> {
    const report = maySee(this.#rights) ? await this.#report.look(way) : 'not allowed';
    if (!this.#open) return;
    try {
      this.#stream.send([OP.seen, id, report], false);
    } catch {
      this.#must([OP.seen, id, 'a report that no frame holds']);
    }
  }

  #onSeen(id: number, report: unknown): void {
    this.#looks.get(id)?.(report);
    this.#looks.delete(id);
  }

  #reason(fields: Fields): ExitReason {
    return this.#reasonOf(fields.any());
  }

  #reasonOf(wire: unknown): ExitReason {
    const reason = fromWire(wire, this.#refs);
    try {
      checkReason(reason);
    } catch (error) {
      throw malformed('a reason', error);
    }
    return reason;
  }

  #find(path: string): Cell | undefined {
    const { names, cells } = this.#core;
    return path.startsWith(NAME) ? names.find(path.slice(NAME.length, -1)) : cells.get(path);
  }

  #allows(allowed: readonly string[], path: string, cell: Cell | undefined): boolean {
    return allows(allowed, cell?.path ?? path, cell?.life.names ?? []);
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────

  /** What a regular look at it does. */
  tick(): void {
    this.#stream.tick();
    for (const [id, { ask }] of this.#exports) if (ask.state !== 'open') this.#exports.delete(id);
    for (const id of this.#toldStarted) if (!this.#imports.has(id)) this.#toldStarted.delete(id);
    for (const [id, ask] of this.#imports)
      if (ask.state !== 'open') this.#imports.delete(id);
      else if (ask.progress === 'started') this.#tellStarted(id);
  }

  /** So that a time-out there can say so. What is answered between two looks costs nothing. */
  #tellStarted(id: number): void {
    if (this.#toldStarted.has(id)) return;
    this.#toldStarted.add(id);
    this.#must([OP.started, id]);
  }

  /**
   * Says farewell, and lets the other side close: it has taken then what was sent before. Whoever
   * closes a socket while something is coming in has it reset, and what is on its way out is lost.
   */
  leave(): Promise<void> {
    if (!this.#open) return Promise.resolve();
    const { clock, timers } = this.#core;
    this.#stream.flush(true);
    this.#stream.control('bye');
    const dueMs = clock.now() + TRANSPORT_LIMITS.leaveMs;
    const timer = timers.schedule(dueMs, () => this.close(CLOSE.left, 'left'));
    return new Promise((resolve) => {
      this.#left = () => {
        timers.cancel(timer);
        resolve();
      };
    });
  }

  close(code: number, reason: string): void {
    this.#isClosing = true;
    this.#link.close(code, reason);
  }

  /** Ends all that is open between the two nodes, then tells of it. */
  #end(end: PeerEnd): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stream.end();
    this.#report.gone(this);
    for (const { ask, owed } of this.#exports.values()) if (owed) this.#loseAsk(ask);
    this.#exports.clear();
    for (const tell of this.#watches.values()) tell(0, NOCONNECTION);
    this.#watches.clear();
    for (const link of this.#links.values()) {
      link.forget();
      this.#tellExit(link, NOCONNECTION);
    }
    this.#links.clear();
    for (const { resolve } of this.#stops.values()) resolve(NOCONNECTION);
    this.#stops.clear();
    for (const id of this.#looks.keys()) this.#onSeen(id, NO_ANSWER);
    for (const unwatch of this.#watched.values()) unwatch();
    this.#watched.clear();
    const open = [...this.#imports.values()];
    this.#imports.clear();
    for (const ask of open) ask.cancel();
    this.#report.lost(end);
    this.#left?.();
  }

  #loseAsk(ask: Ask): void {
    ask.fail(lost(ask.target, ask.request));
  }
}

/** What an ask fails with when the node that it went to is lost. */
export function lost(address: string, message: string): ActorEnded {
  return new ActorEnded({ address, message, reason: NOCONNECTION });
}

/** Throws for a text that the other side would not take. */
function checkText(text: string, field: string): void {
  const { textCharsMax } = TRANSPORT_LIMITS;
  if (text.length <= textCharsMax) return;
  const allowed = `no more than ${textCharsMax} characters in an address or a type`;
  throw new InvalidOption({ field, given: `${text.slice(0, 32)}…`, allowed });
}

function keyOf(ours: string, theirs: string): string {
  return `${ours}\n${theirs}`;
}

function isEvent(message: unknown): message is { readonly type: string } {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    typeof message.type === 'string'
  );
}
