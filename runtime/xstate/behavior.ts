/**
 * The behavior that runs an XState actor, and all that it invokes and spawns, for one life.
 */
import { StateMachine, type EventObject, type Snapshot } from 'xstate';
import type { Behavior, Received } from '../behavior.ts';
import type { Envelope } from '../envelope.ts';
import { NORMAL, SHUTDOWN } from '../exit.ts';
import type { Life } from '../life.ts';
import { running } from '../step.ts';
import type { SavedSnapshot, SavedTimer } from '../store.ts';
import { AgentActor } from './agent-actor.ts';
import type { XStateHost } from './host.ts';
import {
  LET_GO,
  LINEAGE,
  OWNER,
  STOP,
  WAITING,
  type InnerActor,
  type InnerMailbox,
  type InnerSnapshot,
  eventDescriptors,
} from './internals.ts';
import { hostLogic, selection, type Hosted, type Selection } from './logic.ts';

/** How the ids of timers begin that the user gave none. */
const TIMER_ID = 'troupe.timer.';

/** Runs an XState actor, and all that it invokes and spawns, for one life. */
export class XStateBehavior implements Behavior {
  readonly answersInTurn = false;
  readonly stopsInParallel = false;
  readonly interruptible = true;
  readonly wait = undefined;
  readonly life: Life;
  readonly #host: XStateHost;
  readonly #hosted: Hosted;
  /** What the root actor has invoked and spawned: started and not yet stopped, parents before their children. */
  #inner: Set<InnerActor> | undefined;
  #keyed: Map<string, InnerActor> | undefined;
  #actor: InnerActor | undefined;
  #timerIds = 0;

  constructor(xstate: XStateHost, life: Life) {
    this.#host = xstate;
    this.life = life;
    const { core, options } = life.cell;
    this.#hosted = hostLogic(options.logic, core.planTransitions);
  }

  get receives(): boolean {
    return this.#hosted.kind !== 'deaf';
  }

  start(saved: SavedSnapshot | undefined): Received {
    if (saved !== undefined) this.#construct(saved.snapshot);
    const actor = this.#root;
    actor.start();
    for (const timer of saved?.timers ?? []) this.#restoreTimer(actor, timer);
    return this.#outcome(undefined, actor._snapshot, undefined);
  }

  postpones(envelope: Envelope): boolean {
    if (!this.#hosted.postpones) return false;
    for (const { meta } of this.#root._snapshot._nodes ?? []) {
      const postpone = meta?.postpone;
      if (postpone === 'all' || (Array.isArray(postpone) && postpone.includes(envelope.type)))
        return true;
    }
    return false;
  }

  worksInside(): boolean {
    for (const actor of this.#inner ?? []) if (actor._snapshot.status === 'active') return true;
    return false;
  }

  onlyWaits(): boolean {
    if (this.life.timers.size > 0) return false;
    const { _snapshot: snapshot } = this.#root;
    if (snapshot.status !== 'active' || snapshot.children === undefined) return false;
    let inside = 0;
    for (const child of Object.values(snapshot.children) as InnerActor[])
      if (child._snapshot.status === 'active') inside += 1;
    if (inside > 1) return false;
    const postponed = new Set<unknown>();
    for (const { meta } of snapshot._nodes ?? []) {
      const postpone = meta?.postpone;
      if (postpone === 'all') return true;
      if (Array.isArray(postpone)) for (const type of postpone) postponed.add(type);
    }
    return eventDescriptors(snapshot).every(
      (type) => postponed.has(type) || type.startsWith('xstate.'),
    );
  }

  receive(envelope: Envelope): Received {
    const root = this.#root;
    const { inner } = envelope;
    const event = envelope.message as EventObject;
    const before = root._snapshot;
    if (inner === undefined) {
      if (this.#hosted.kind === 'deaf') return 'unhandled';
      if (event.type === STOP) return this.#stopAgent();
      this.#host.inspectEvent(root, event);
      return this.#outcome(before, this.#process(root, event), selection);
    }
    const target = inner.target as InnerActor;
    target[WAITING] = (target[WAITING] ?? 1) - 1;
    if (
      target._processingStatus !== 1 ||
      isStale(target, inner.source as InnerActor | undefined, event)
    )
      return 'same';
    if (target === root && event.type === STOP) return this.#stopAgent();
    this.#process(target, event);
    const selected = target === root ? selection : undefined;
    const received = this.#outcome(before, root._snapshot, selected);
    // A completion that nobody waits for is no message that went unheard.
    return received === 'unhandled' && event.type.startsWith('xstate.') ? 'same' : received;
  }

  /** XState's own stop event, sent like any other: the machine alone would end and leave a dead agent. */
  #stopAgent(): Received {
    this.life.cell.stop(SHUTDOWN, 'infinity');
    return 'same';
  }

  resume(): Received {
    return 'same';
  }

  stopOrder(): undefined {
    return undefined;
  }

  stop(): void {}

  /** Stops all that runs, children before parents: intervals, promises, timers, subscriptions. */
  dispose(): void {
    for (const actor of this.#innermostFirst()) this.#dispose(actor);
    const root = this.#actor;
    if (root !== undefined) this.#dispose(root);
    if (root?._snapshot.status === 'error') cleanUp(root);
    this.#inner = undefined;
    this.#keyed = undefined;
  }

  #dispose(actor: InnerActor): void {
    if (actor._processingStatus === 1) this.#halt(actor);
    this.life.timers.cancelAll(actor);
  }

  #innermostFirst(): InnerActor[] {
    return this.#inner === undefined ? [] : [...this.#inner].reverse();
  }

  snapshot(): Snapshot<unknown> {
    return this.#root._snapshot as Snapshot<unknown>;
  }

  persist(): unknown {
    return this.#root.getPersistedSnapshot();
  }

  nextTimerId(): string {
    return `${TIMER_ID}${(this.#timerIds += 1)}`;
  }

  // ── The family of actors ────────────────────────────────────────────────────────────────────

  /** An actor of this agent starts: from now on its events are turns of the agent. */
  adopt(actor: InnerActor): void {
    actor[OWNER] = this;
    actor[LINEAGE] = this.life.lineage;
    if (actor !== this.#actor) (this.#inner ??= new Set()).add(actor);
    if (!(actor instanceof AgentActor)) actor.mailbox = this.mailboxOf(actor);
  }

  /** The mailbox that XState sees of an actor: the cell's. */
  mailboxOf(actor: InnerActor): InnerMailbox {
    return {
      start: () => undefined,
      clear: () => undefined,
      enqueue: (event) => {
        if (event.type === STOP) this.#stopInner(actor);
        else actor.system._relay(undefined, actor, event);
      },
    };
  }

  /** XState unregisters an actor when it has ended, and early when its parent is about to stop it. */
  forget(actor: InnerActor): void {
    const { systemId, _processingStatus: status } = actor;
    if (systemId !== undefined && this.#keyed?.get(systemId) === actor)
      this.#keyed.delete(systemId);
    if (actor === this.#actor) return;
    if (status === 2 && this.#inner?.delete(actor)) {
      if (actor._snapshot.status === 'error') this.#sweep(actor);
    } else if (status !== 0 && running.cell === this.life.cell) actor[LET_GO] = true;
  }

  /** XState leaves running what a crashed actor has invoked, and the crashed callback's cleanup undone. */
  #sweep(crashed: InnerActor): void {
    for (const actor of this.#innermostFirst())
      if (actor._parent === crashed) this.#stopInner(actor);
    cleanUp(crashed);
  }

  /** A `systemId` belongs to its agent, so that many agents of one machine can use the same. */
  setKeyed(systemId: string, actor: InnerActor): void {
    const keyed = (this.#keyed ??= new Map());
    const existing = keyed.get(systemId);
    if (existing !== undefined && existing !== actor) {
      throw new Error(`Actor with system ID '${systemId}' already exists.`);
    }
    keyed.set(systemId, actor);
  }

  keyed(systemId: string): InnerActor | undefined {
    return this.#keyed?.get(systemId);
  }

  systemIds(): Iterable<string> {
    return this.#keyed?.keys() ?? [];
  }

  /**
   * A parent stops a child. What it has sent to it before still arrives (exit actions do that);
   * what the child has under way for itself does not.
   */
  #stopInner(actor: InnerActor): void {
    if (actor._processingStatus === 2) return;
    if ((actor[WAITING] ?? 0) > 0) {
      const waiting = this.life.cell.takeInner((envelope) => envelope.inner?.target === actor);
      for (const envelope of waiting) {
        const fromParent = envelope.inner?.source === actor._parent && envelope.timer === undefined;
        if (fromParent && actor._processingStatus === 1)
          actor._process(envelope.message as EventObject);
      }
      actor[WAITING] = 0;
    }
    if (actor._processingStatus === 1) this.#halt(actor);
    this.#inner?.delete(actor);
  }

  #halt(actor: InnerActor): void {
    actor._process({ type: STOP });
    const { status, error } = actor._snapshot;
    const { core, path } = this.life.cell;
    if (status === 'error') core.log.error({ path, actor: actor.id, err: error }, 'cleanup failed');
  }

  // ── Steps ───────────────────────────────────────────────────────────────────────────────────

  get #root(): InnerActor {
    return this.#actor ?? this.#construct(undefined);
  }

  #construct(snapshot: unknown): InnerActor {
    // Somebody may have looked at the agent before its start: what was made then is replaced.
    this.#keyed = undefined;
    return (this.#actor = this.#host.create(this, this.#hosted, snapshot));
  }

  #process(actor: InnerActor, event: EventObject): InnerSnapshot {
    selection.actor = actor;
    selection.event = event;
    selection.transitions = undefined;
    selection.moved = false;
    actor._process(event);
    selection.actor = undefined;
    selection.event = undefined;
    return actor._snapshot;
  }

  #outcome(
    before: InnerSnapshot | undefined,
    after: InnerSnapshot,
    selected: Selection | undefined,
  ): Received {
    if (after.status === 'error') throw after.error;
    if (after.status === 'done')
      this.life.cell.finish(
        after.output === undefined ? NORMAL : { type: 'normal', output: after.output },
      );
    if (this.#hosted.kind !== 'machine') return before === after ? 'same' : 'updated';
    if (before === undefined) return 'changed';
    if (selected?.transitions?.length === 0 && before === after) return 'unhandled';
    // XState keeps the list of active nodes as it is while no microstep changes it.
    if (selected?.moved === true || before._nodes !== after._nodes) return 'changed';
    return before === after ? 'same' : 'updated';
  }

  #restoreTimer(root: InnerActor, timer: SavedTimer): void {
    const { owner, target, id, event, dueWallMs } = timer;
    if (owner === 'context') {
      this.life.ctx.restoreTimer(timer);
      return;
    }
    const { core } = this.life.cell;
    const source = innerAt(root, owner);
    const destination = typeof target === 'string' ? core.refAt(target) : innerAt(root, target);
    if (source === undefined || destination === undefined) return;
    const dueMs = core.clock.now() + Math.max(0, dueWallMs - core.clock.wallMs());
    // A timer without an id of its own must not be taken for one that is set later.
    if (id.startsWith(TIMER_ID))
      this.#timerIds = Math.max(this.#timerIds, Number(id.slice(TIMER_ID.length)));
    this.#host.scheduleAt(this, source, destination, event as EventObject, dueMs, id);
  }
}

/** The actor that a path of child ids leads to. */
function innerAt(root: InnerActor, path: readonly string[]): InnerActor | undefined {
  let at: InnerActor | undefined = root;
  for (const id of path) at = at?._snapshot.children?.[id] as InnerActor | undefined;
  return at;
}

/** Lets an actor that has crashed clean up as if it were stopped; a machine's children are stopped elsewhere. */
function cleanUp({ logic, _snapshot: snapshot, _actorScope: scope }: InnerActor): void {
  if (logic instanceof StateMachine) return;
  try {
    logic.transition({ ...snapshot, status: 'active' }, { type: STOP }, scope as never);
  } catch {
    // It had nothing to clean up, or failed once more: it has crashed already.
  }
}

/**
 * Whether a completion comes from a child that its parent has let go of: it was under way when the
 * parent left the state that invoked it, and must not be taken for that of a newer child.
 */
function isStale(target: InnerActor, source: InnerActor | undefined, event: EventObject): boolean {
  if (source?.[LET_GO] !== true || source._parent !== target) return false;
  return /^xstate\.(done\.actor|error\.actor|snapshot)\./.test(event.type);
}
