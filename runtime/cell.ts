/**
 * A cell: the place of one agent, and whoever lives there.
 *
 *        commands ─▶ [signals] ─┐
 *                               ├─▶ run: signals first, then messages ─▶ behavior ─▶ outbox ─▶ deliver
 *        messages ─▶ [mailbox] ─┘
 *
 * The place (path, ref, mailbox) survives restarts; a life (incarnation, behavior, links, monitors,
 * timers, obligations) does not. One step of one agent runs at a time. What a step sends waits in
 * the outbox until the step has ended, and a step that crashes has sent nothing.
 */
import type { EventObject, Snapshot } from 'xstate';
import type { AgentTimer } from './agent-timers.ts';
import type { Behavior, EmitListener, Received, SnapshotObserver } from './behavior.ts';
import type { Core } from './core.ts';
import type { Destination, Envelope } from './envelope.ts';
import { ActorEnded, MailboxFull, RequestLost, StartFailed, Unhandled } from './errors.ts';
import { KILLED, NOPROC, NORMAL, type ExitReason } from './exit.ts';
import { Life } from './life.ts';
import { Mailbox, type Offered } from './mailbox.ts';
import { AgentRef } from './agent-ref.ts';
import { ChildrenStop } from './children-stop.ts';
import { Outbox } from './outbox.ts';
import { restore } from './persistence.ts';
import type { Slot } from './roster.ts';
import type { Runnable } from './scheduler.ts';
import type { Siblings } from './siblings.ts';
import { running } from './step.ts';
import type { ResolvedSpawn } from './spawn-options.ts';
import type { SavedSnapshot } from './store.ts';
import { WaitingRoom } from './waiting-room.ts';
import { Watchers, closeObserver } from './watchers.ts';

/** A command to the place; it acts ahead of its messages. */
type Signal =
  | { readonly type: 'start' }
  /** To end: the life that it was sent to, or the place when that was vacant. */
  | { readonly type: 'stop'; readonly life: Life | undefined; readonly reason: ExitReason }
  | { readonly type: 'kill'; readonly life: Life | undefined }
  | {
      readonly type: 'exit';
      readonly life: Life;
      readonly from: Cell | undefined;
      readonly reason: ExitReason;
    }
  | { readonly type: 'suspend' }
  | { readonly type: 'resume' }
  | { readonly type: 'child ended'; readonly child: Cell }
  /** What a handler waited for has settled. */
  | { readonly type: 'wake'; readonly life: Life }
  /** The mailbox that the outbox waited for has room. */
  | { readonly type: 'room'; readonly life: Life }
  | { readonly type: 'loaded'; readonly life: Life; readonly saved: SavedSnapshot | undefined }
  | { readonly type: 'saved'; readonly life: Life }
  | { readonly type: 'cleaned'; readonly life: Life }
  | { readonly type: 'failed'; readonly life: Life; readonly error: unknown };

/**
 * What the place is doing.
 * - `starting`: the first step of a life has not ended; the mailbox is closed.
 * - `running`: it takes messages.
 * - `stopping`: children end, then the cleanup runs.
 * - `vacant`: no life, but its supervisor holds the place for a restart; messages wait.
 * - `ended`: nobody will live here again.
 */
export type CellStatus = 'starting' | 'running' | 'stopping' | 'vacant' | 'ended';

const STOP_WAITING = (): void => undefined;

export class Cell implements Runnable, Destination {
  readonly core: Core;
  /** The last part of the path. */
  readonly id: string;
  readonly path: string;
  readonly address: string;
  readonly parent: Cell | undefined;
  readonly options: ResolvedSpawn;
  readonly ref: AgentRef;
  readonly mailbox: Mailbox<Envelope>;
  status: CellStatus = 'starting';
  life: Life;
  /** Children in start order. */
  children: Siblings | undefined;
  /** @internal Its neighbours among its siblings. */
  older: Cell | undefined;
  younger: Cell | undefined;
  /** @internal Its slot among all cells of the system. */
  slot: Slot<unknown> | undefined;
  /** The life that ended last; the exit of an ended cell. */
  exit: ExitReason | undefined;
  suspended = false;
  /** The place that made it wait for room last; that place knows whether it still does. */
  blockedAt: Cell | undefined;
  handled = 0;
  restarts = 0;
  /** Made for the first one: many a short-lived agent gets none. */
  #signals: Signal[] | undefined;
  #queued = false;
  /** Made for the first send. */
  #outbox: Outbox | undefined;
  /** The step has ended, and its outbox waits for the store or for room in somebody's mailbox. */
  #held: 'saving' | 'blocked' | undefined;
  #waiting: WaitingRoom | undefined;
  #watchers: Watchers | undefined;
  #killTimer: (() => void) | undefined;
  #pendingStop: ExitReason | undefined;
  #childrenStop: ChildrenStop | undefined;

  constructor(
    core: Core,
    id: string,
    path: string,
    parent: Cell | undefined,
    options: ResolvedSpawn,
  ) {
    this.core = core;
    this.id = id;
    this.path = path;
    this.address = core.addressOf(path);
    this.parent = parent;
    this.options = options;
    this.mailbox = new Mailbox<Envelope>(options.mailbox);
    this.ref = new AgentRef(core, this);
    this.life = new Life(this, 1);
  }

  // ── Arrivals ────────────────────────────────────────────────────────────────────────────────

  /** Takes an envelope into the mailbox, or applies its policy. */
  accept(envelope: Envelope, resume: (() => void) | undefined): 'blocked' | undefined {
    if (this.status === 'ended' || (this.status === 'stopping' && !this.options.held)) {
      this.core.undeliverable(envelope, this.status === 'ended' ? undefined : this.life.ending);
      return undefined;
    }
    envelope.enqueuedAtMs = this.core.stampMs();
    if (envelope.ask !== undefined) envelope.ask.at = this;
    if (envelope.exempt) {
      if (this.#waiting !== undefined && envelope.from !== undefined) this.#makeWay(envelope.from);
      this.mailbox.force(envelope);
    } else {
      const offered = this.#offer(envelope);
      if (offered === 'full') {
        // A sender cannot wait for itself: its own step must end before there can be room.
        const canWait =
          this.mailbox.policy === 'wait' && resume !== undefined && envelope.from !== this.address;
        if (!canWait) {
          this.#refuse(envelope);
          return undefined;
        }
        (this.#waiting ??= new WaitingRoom()).enter(envelope, resume);
        const sender = this.core.cellAt(envelope.from);
        if (sender !== undefined) sender.blockedAt = this;
        // Its deadline passes while it waits: it gives up its place in the line, and its sender goes on.
        if (envelope.ask !== undefined)
          envelope.ask.onSettled = () => {
            if (this.withdraw(envelope)) resume();
          };
        return 'blocked';
      }
      if (offered !== 'accepted') this.#displace(offered.displaced);
      if (offered !== 'accepted' && offered.displaced === envelope) return undefined;
    }
    if (envelope.ask !== undefined) envelope.ask.progress = 'queued';
    if (!this.#queued && this.#takesMessages()) this.#wake();
    return undefined;
  }

  #offer(envelope: Envelope): Offered<Envelope> {
    try {
      return this.mailbox.offer(envelope);
    } catch (error) {
      // The key function of `conflate` threw: a fault of the receiver's, so its sender must not fall.
      this.core.log.error({ path: this.path, message: envelope.type, err: error }, 'no key');
      return 'full';
    }
  }

  /** Puts a command into the signal lane. */
  signal(signal: Signal): void {
    if (this.status === 'ended') return;
    if (this.#signals === undefined) this.#signals = [signal];
    else this.#signals.push(signal);
    this.#wake();
  }

  #wake(): void {
    if (this.#queued) return;
    this.#queued = true;
    this.core.scheduler.enqueue(this);
  }

  #refuse(envelope: Envelope, isPostponed = false): void {
    const { address, mailbox } = this;
    const { ask, type: message } = envelope;
    const { capacityMessages, capacityPostponed } = mailbox;
    const bound = isPostponed ? { capacityPostponed } : { capacityMessages };
    if (ask === undefined) this.core.deadLetter(envelope, 'mailbox full');
    else ask.fail(new MailboxFull({ address, message, ...bound }));
  }

  #displace(envelope: Envelope): void {
    if (envelope.ask !== undefined) this.#refuse(envelope);
    else this.core.deadLetter(envelope, 'displaced');
  }

  /** Whether some of what its last step has sent has not left yet. */
  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Whether what it has sent waits for room in somebody's mailbox. */
  get isBlocked(): boolean {
    return this.#held === 'blocked';
  }

  /** What waits for room in the mailbox, longest first. */
  get outside(): Iterable<Envelope> {
    return this.#waiting?.envelopes() ?? [];
  }

  /** What a sender, by address, waits with for room in the mailbox. */
  awaitedBy(sender: string): Envelope | undefined {
    return this.#waiting?.of(sender);
  }

  /** Lets a sender go on without what it waits with: that reaches nobody. */
  turnAway(sender: string): void {
    for (const { envelope, admitted } of this.#waiting?.takeFrom(sender) ?? []) {
      this.core.deadLetter(envelope, 'deadlock');
      admitted();
    }
  }

  /** Takes back an envelope that waits for room; false when it has been admitted. */
  withdraw(envelope: Envelope): boolean {
    return this.#waiting?.withdraw(envelope) ?? false;
  }

  /**
   * A notice of somebody's end keeps the order with what that agent sent before and still waits for
   * room: it goes in over the bound, for its sender can be held back no longer.
   */
  #makeWay(from: string): void {
    for (const { envelope, admitted } of this.#waiting?.takeFrom(from) ?? []) {
      envelope.enqueuedAtMs = this.core.stampMs();
      if (envelope.ask !== undefined) envelope.ask.progress = 'queued';
      if (envelope.ask === undefined || envelope.ask.state === 'open') this.mailbox.force(envelope);
      admitted();
    }
  }

  /** There is room: the longest waiting sender's envelope goes in, and the sender goes on. */
  #admit(waiting: WaitingRoom): void {
    while (!this.mailbox.full) {
      const waiter = waiting.next();
      if (waiter === undefined) return;
      const { envelope, admitted } = waiter;
      if (envelope.ask === undefined || envelope.ask.state === 'open')
        this.accept(envelope, undefined);
      admitted();
    }
  }

  // ── Turns ───────────────────────────────────────────────────────────────────────────────────

  /** One turn: all signals, and at most `budget` messages. */
  run(budget: number): boolean {
    let left = budget;
    for (;;) {
      while (this.#signals !== undefined && this.#signals.length > 0) {
        this.#onSignal(this.#signals.shift() as Signal);
        if (--left <= 0) break;
      }
      if (left <= 0 || !this.#takesMessages()) break;
      const envelope = this.mailbox.shift();
      if (envelope === undefined) break;
      left -= 1;
      this.#receive(envelope);
      if (this.#waiting?.empty === false) this.#admit(this.#waiting);
    }
    const hasSignals = this.#signals !== undefined && this.#signals.length > 0;
    this.#queued = hasSignals || (this.mailbox.size > 0 && this.#takesMessages());
    return this.#queued;
  }

  /** Whether a command waits, which comes before any message. */
  get commanded(): boolean {
    return this.#signals !== undefined && this.#signals.length > 0;
  }

  /** Whether it would handle a message now: it runs, and waits for nothing. */
  get takesMessages(): boolean {
    return this.#takesMessages();
  }

  #takesMessages(): boolean {
    return (
      this.status === 'running' &&
      !this.suspended &&
      this.#held === undefined &&
      this.life.behavior?.wait === undefined
    );
  }

  /** What the handler waited for has settled, and what it sent before has left. */
  #mayResume(): boolean {
    return this.#held === undefined && this.life.behavior?.wait?.settled === true;
  }

  #alive(): boolean {
    return this.status === 'running' || this.status === 'starting';
  }

  #onSignal(signal: Signal): void {
    switch (signal.type) {
      case 'start':
        return this.#start();
      case 'stop':
        return this.#isMeant(signal.life) ? this.#onStop(signal.reason) : undefined;
      case 'kill':
        return this.#isMeant(signal.life) ? this.#onKill() : undefined;
      case 'exit':
        // It aims at a life: one that has begun since then is not meant.
        return signal.life === this.life ? this.#onExit(signal.from, signal.reason) : undefined;
      case 'suspend':
        this.suspended = true;
        return undefined;
      case 'resume':
        this.suspended = false;
        return undefined;
      case 'child ended':
        return this.#onChildEnded(signal.child);
      case 'wake':
        return signal.life === this.life && this.#alive() && this.#mayResume()
          ? this.#step('resume', undefined)
          : undefined;
      case 'room':
        return signal.life === this.life && this.#held === 'blocked' ? this.#flush() : undefined;
      case 'loaded':
        return signal.life === this.life && this.status === 'starting'
          ? this.#begin(signal.saved)
          : undefined;
      case 'saved':
        return signal.life === this.life && this.#held === 'saving' ? this.#flush() : undefined;
      case 'cleaned':
        return signal.life === this.life && this.status === 'stopping'
          ? this.#complete()
          : undefined;
      case 'failed':
        return signal.life === this.life ? this.#onFailed(signal.error) : undefined;
    }
  }

  #receive(envelope: Envelope): void {
    const { life, core } = this;
    const { ask, timer } = envelope;
    if (timer !== undefined) {
      if (timer.cancelled) return;
      life.timers.taken(timer);
    }
    // Nobody waits any more: a request whose timeout said "queued" was never started.
    if (ask !== undefined && ask.state !== 'open') return;
    const behavior = life.behavior as Behavior;
    if (!envelope.exempt && behavior.postpones(envelope)) {
      this.#postpone(envelope);
      return;
    }
    life.current = envelope;
    if (ask !== undefined)
      core.ledger.take(ask, life, core.watch === undefined ? NaN : core.stampMs());
    this.handled += 1;
    if (core.inspection.active) {
      const waitedMs = core.clock.now() - envelope.enqueuedAtMs;
      core.inspection.emit({
        type: 'handled',
        path: this.path,
        message: envelope.message,
        waitedMs,
      });
    }
    if (life.idle !== undefined && timer === undefined) life.idle();
    this.#step('receive', envelope);
  }

  /** Runs one step of the behavior, then lets go what it sent. */
  #step(kind: 'receive' | 'resume', envelope: Envelope | undefined): void {
    const { life } = this;
    const behavior = life.behavior as Behavior;
    const before = running.cell;
    running.cell = this;
    let received: Received;
    try {
      received = kind === 'receive' ? behavior.receive(envelope as Envelope) : behavior.resume();
    } catch (error) {
      running.cell = before;
      this.#crash(error);
      return;
    }
    running.cell = before;
    this.#settle(received);
  }

  /** A step has ended well: store, outbox, and the ends of the turn. */
  #settle(received: Received): void {
    const { life } = this;
    life.received = received;
    if (received === 'waiting') {
      const wait = life.behavior?.wait;
      wait?.whenSettled(life.wake);
    } else if (life.current?.timer !== undefined)
      life.timers.handled(life.current.timer, this.core.clock.now());
    const save = life.persistence;
    if (save !== undefined && received !== 'waiting' && save.due(this.#outbox?.sends ?? [])) {
      try {
        const written = save.write();
        if (written !== undefined) {
          this.#awaitSave(life, written);
          return;
        }
      } catch (error) {
        this.#crash(error);
        return;
      }
    }
    if (this.#outbox === undefined || this.#outbox.empty) this.#afterStep();
    else this.#flush();
  }

  #awaitSave(life: Life, written: Promise<void>): void {
    this.#held = 'saving';
    written.then(
      () => this.signal({ type: 'saved', life }),
      (error: unknown) => this.signal({ type: 'failed', life, error }),
    );
  }

  /** Delivers the outbox; stops where a receiver makes the sender wait. */
  #flush(): void {
    this.#tellEmitted();
    this.#held = undefined;
    this.blockedAt = undefined;
    if (this.#outbox?.flush(this.core, this.life.onRoom) !== false) {
      this.#afterStep();
      if (this.core.forwarded.length > 0) this.core.checkForwarded();
    } else {
      this.#held = 'blocked';
      // The handler has finished, as the stop allowed it to; it does not wait for room as well.
      if (this.#pendingStop !== undefined && this.life.received !== 'waiting')
        this.#end(this.#pendingStop);
      else this.core.breakDeadlock(this);
    }
  }

  /** The step's sends have left. When the turn is over too, its request must be settled, kept or handed on. */
  #afterStep(): void {
    const { life, core } = this;
    const { received, current } = life;
    if (received === 'waiting') {
      if (this.status === 'starting') life.refuseAsksToWaiting();
      // It may have settled while the outbox waited for room; a second wake-up finds nothing to do.
      if (this.#mayResume()) life.wake();
      else core.breakDeadlock(this);
      return;
    }
    if (this.status === 'starting') {
      this.#started();
      return;
    }
    life.current = undefined;
    life.received = 'same';
    const changed = received === 'changed' || received === 'postponed and changed';
    if (current !== undefined) {
      const { ask } = current;
      if (received === 'postponed' || received === 'postponed and changed') {
        if (ask !== undefined) core.ledger.release(ask);
        this.#postpone(current);
      } else if (received === 'unhandled') this.#unhandled(current);
      else if (
        ask !== undefined &&
        ask.holder === life &&
        !ask.deferred &&
        life.behavior?.answersInTurn === true
      ) {
        const why = 'its handler returned without reply, forward or defer';
        ask.fail(new RequestLost({ address: this.address, message: ask.request, why }));
      }
    }
    if (changed) this.mailbox.unpostpone();
    if (changed || received === 'updated') {
      this.#changed();
      if (life.invokes) core.breakDeadlock(this);
    }
    if (life.finishing !== undefined) this.#end(life.finishing);
    else if (this.#pendingStop !== undefined) this.#end(this.#pendingStop);
  }

  #unhandled(envelope: Envelope): void {
    const { ask, message, type } = envelope;
    this.core.stats.unhandled += 1;
    if (this.core.inspection.active)
      this.core.inspection.emit({ type: 'unhandled', path: this.path, message });
    const why =
      this.life.behavior?.receives === true
        ? 'no transition was selected'
        : 'its logic receives no messages';
    ask?.fail(new Unhandled({ address: this.address, message: type, why }));
  }

  #postpone(envelope: Envelope): void {
    const { core } = this;
    if (core.inspection.active)
      core.inspection.emit({ type: 'postponed', path: this.path, message: envelope.message });
    const { ask } = envelope;
    if (ask !== undefined) {
      ask.progress = 'queued';
      ask.at = this;
    }
    if (!this.mailbox.postpone(envelope)) this.#refuse(envelope, true);
    else if (ask !== undefined) core.breakDeadlock(this);
  }

  // ── What a step does ────────────────────────────────────────────────────────────────────────

  /** Sends from within a step; it leaves when the step ends. */
  post(envelope: Envelope): void {
    (this.#outbox ??= new Outbox()).post(envelope);
  }

  /** Sends between steps, after an await: at once, unless something that it sent before still waits. */
  sendNow(envelope: Envelope): void {
    if (this.#held !== undefined) this.post(envelope);
    else if (!this.#alive()) this.core.deliver(envelope, STOP_WAITING);
    else if (this.core.deliver(envelope, this.life.onRoom) === 'blocked') {
      this.#held = 'blocked';
      this.core.breakDeadlock(this);
    }
  }

  /** Takes out an agent's own events that are queued, or about to be when the step ends. */
  takeInner(predicate: (envelope: Envelope) => boolean): Envelope[] {
    return [...this.mailbox.removeWhere(predicate), ...(this.#outbox?.take(predicate) ?? [])];
  }

  /** Emits to the listeners of `ref.on` once the step has ended. */
  emit(event: EventObject): void {
    if (running.cell === this) (this.#outbox ??= new Outbox()).emit(event);
    else this.#watchers?.tellEmitted(event);
  }

  #tellEmitted(): void {
    const emitted = this.#outbox?.takeEmitted();
    if (emitted !== undefined) for (const event of emitted) this.#watchers?.tellEmitted(event);
  }

  /** The logic is done: the life ends with this reason when the turn is over. */
  finish(reason: ExitReason): void {
    const { life } = this;
    life.finishing ??= reason;
    // From outside a step (an async handler after an await) there is no end of a turn to wait for.
    if (running.cell !== this && life.behavior?.wait === undefined && this.status === 'running')
      this.#end(life.finishing);
  }

  /** A timer of this agent has fired: its event takes its place in the mailbox. */
  fire(timer: AgentTimer, envelope: Envelope): void {
    if (!timer.cancelled) this.core.deliver(envelope, undefined);
  }

  #changed(): void {
    const { inspection } = this.core;
    if (this.#watchers?.observed !== true && !inspection.active) return;
    const snapshot = (this.life.behavior as Behavior).snapshot();
    if (inspection.active) inspection.emit({ type: 'transitioned', path: this.path, snapshot });
    this.#watchers?.tellSnapshot(snapshot);
  }

  // ── Start ───────────────────────────────────────────────────────────────────────────────────

  /**
   * Takes up the life: as the next thing that the place does, or at once for a child whose start has
   * nothing to do (a function agent without `start`). Its parent then need not wait, which spares two
   * turns for each child and what the waiting would leave in memory. What is spawned from outside is
   * never in the midst of a step, and its start stays a turn.
   */
  begin(): void {
    const { life } = this;
    if (this.parent === undefined) {
      this.signal({ type: 'start' });
      return;
    }
    // What its first state is made with is its own doing, and not its parent's.
    const before = running.cell;
    running.cell = this;
    const isStarted = life.startAtOnce();
    running.cell = before;
    // What it has sent all the same leaves at the end of a step, and so of a turn for its start.
    if (!isStarted || this.#outbox?.empty === false) {
      this.signal({ type: 'start' });
      return;
    }
    life.begun = true;
    // Whoever observes the start is no part of the step that brings it about.
    running.cell = undefined;
    this.#started();
    running.cell = before;
    if (this.mailbox.size > 0) this.#wake();
  }

  #start(): void {
    const { life, core } = this;
    if (this.status !== 'starting' || life.begun) return;
    life.begun = true;
    const { persist } = this.options;
    if (persist === undefined) {
      this.#begin(undefined);
      return;
    }
    try {
      const saved = persist.store.load(persist.key ?? this.path);
      if (!(saved instanceof Promise)) this.#begin(saved);
      else {
        saved.then(
          (loaded) => this.signal({ type: 'loaded', life, saved: loaded }),
          (error: unknown) => this.signal({ type: 'failed', life, error }),
        );
      }
    } catch (error) {
      core.guard(() => this.#crash(error));
    }
  }

  #begin(saved: SavedSnapshot | undefined): void {
    const { life } = this;
    running.cell = this;
    let received: Received;
    try {
      life.prepare();
      const { persist } = this.options;
      const restored = saved && persist ? restore(this.core, persist, saved) : undefined;
      received = (life.behavior as Behavior).start(restored);
    } catch (error) {
      running.cell = undefined;
      this.#crash(error);
      return;
    }
    running.cell = undefined;
    this.#settle(received);
  }

  #started(): void {
    const { core, life } = this;
    this.status = 'running';
    if (core.inspection.active)
      core.inspection.emit({ type: 'started', path: this.path, incarnation: life.incarnation });
    this.#watchers?.tellStarted();
    this.#changed();
    if (life.finishing !== undefined) this.#end(life.finishing);
    else if (this.#pendingStop !== undefined) this.#end(this.#pendingStop);
    else if (this.#mayResume()) this.signal({ type: 'wake', life });
  }

  // ── End of a life ───────────────────────────────────────────────────────────────────────────

  /** Ends the place, or the life in it, with a grace after which it is killed. */
  stop(reason: ExitReason, graceMs: number | 'infinity'): void {
    if (this.status === 'ended') return;
    const life = this.#aim();
    this.signal({ type: 'stop', life, reason });
    if (graceMs === 'infinity' || this.#killTimer !== undefined) return;
    const timer = this.core.timers.schedule(this.core.clock.now() + graceMs, () =>
      this.signal({ type: 'kill', life }),
    );
    this.#killTimer = () => this.core.timers.cancel(timer);
  }

  /** Ends the place, or the life in it, without any cleanup of its own. */
  kill(): void {
    this.signal({ type: 'kill', life: this.#aim() });
  }

  /**
   * What a command to end is meant for. One that was sent to a life must not give up the place that
   * this life has left vacant meanwhile: its supervisor is about to restart it.
   */
  #aim(): Life | undefined {
    return this.status === 'vacant' ? undefined : this.life;
  }

  #isMeant(life: Life | undefined): boolean {
    return life === undefined || (life === this.life && !life.over);
  }

  #onStop(reason: ExitReason): void {
    if (this.status === 'vacant') this.#release();
    else if (this.status === 'stopping' || this.status === 'ended') return;
    // A handler that traps exits finishes what it is at, within the grace; any other is cut off.
    // A step whose snapshot is being written is over when it is written.
    else if (this.#held === 'saving' || this.#finishesHandler()) {
      this.#pendingStop = reason;
    } else this.#end(reason);
  }

  #finishesHandler(): boolean {
    const { trapExit, behavior } = this.life;
    return trapExit && behavior?.wait !== undefined && !behavior.interruptible;
  }

  #onKill(): void {
    if (this.status === 'vacant') this.#release();
    else if (this.status !== 'ended') {
      // A kill during an orderly stop cuts it short: children are killed, no cleanup runs.
      this.life.ending = KILLED;
      if (this.status !== 'stopping') this.#end(KILLED);
      else if (this.#childrenStop !== undefined && this.children !== undefined)
        this.#childrenStop = new ChildrenStop(this.children, undefined, 'kill');
      else if (this.children === undefined || this.children.size === 0) this.#complete();
    }
  }

  #onExit(from: Cell | undefined, reason: ExitReason): void {
    if (this.status === 'vacant' || this.status === 'stopping') return;
    // An exit signal `normal` means nothing, unless an agent sends it to itself.
    if (reason.type === 'normal' && from !== this) return;
    this.#end(reason);
  }

  #onFailed(error: unknown): void {
    if (this.status === 'stopping')
      this.core.log.error({ path: this.path, err: error }, 'failed while it ended');
    else this.#crash(error);
  }

  /** Crashes the agent from outside a step, for what its own callbacks did wrong. */
  fail(error: unknown): void {
    this.signal({ type: 'failed', life: this.life, error });
  }

  #crash(error: unknown): void {
    const { life, core } = this;
    if (life.over) return;
    const poison = life.current;
    // A step that crashes has sent nothing; what waits for room is of a step that ended well.
    if (this.#held !== 'blocked') this.#discard({ type: 'crash', error });
    core.crashed(this, error, poison);
    this.#end({ type: 'crash', error });
  }

  /** Forgets what the step wanted to send. */
  #discard(reason: ExitReason): void {
    for (const envelope of this.#outbox?.discard() ?? []) {
      const { ask, type: message } = envelope;
      // An ask of its own never left; one that it forwards is another's, and it owed the answer.
      const when = ask?.by === this.address ? `before its ask "${message}" had left` : undefined;
      ask?.fail(new ActorEnded({ address: this.address, message, reason }, when));
    }
  }

  /** Begins the end of the life: the first reason is the one that counts. */
  #end(reason: ExitReason): void {
    const { life } = this;
    if (this.status === 'stopping' || this.status === 'ended' || this.status === 'vacant') return;
    life.ending ??= reason;
    life.startFailed = this.status === 'starting';
    this.status = 'stopping';
    // What was not written must not leave.
    if (this.#held === 'saving') {
      this.#discard(life.ending);
      this.#held = undefined;
    }
    life.interrupt();
    if (life.ending.type !== 'killed') this.#cutOff();
    this.#stopChildren();
  }

  /** A handler that waits is over: its `finally` blocks run now, and what they send leaves with the cleanup's. */
  #cutOff(): void {
    const { behavior } = this.life;
    if (behavior?.wait === undefined) return;
    const before = running.cell;
    running.cell = this;
    this.core.guard(() => behavior.cutOff?.());
    running.cell = before;
  }

  #stopChildren(): void {
    const { children, life } = this;
    if (children === undefined || children.size === 0) {
      this.#clean();
      return;
    }
    const orderly = life.behavior?.stopsInParallel === true ? 'parallel' : 'ordered';
    const mode = life.ending?.type === 'killed' ? 'kill' : orderly;
    this.#childrenStop = new ChildrenStop(children, life.behavior?.stopOrder(), mode);
  }

  #onChildEnded(child: Cell): void {
    this.children?.delete(child);
    if (this.status !== 'stopping' || this.#childrenStop === undefined) return;
    if (this.children === undefined || this.children.size === 0) this.#clean();
    else this.#childrenStop.ended(child);
  }

  /** The children have ended: the cleanup of its own, then the rest. */
  #clean(): void {
    const { life, core } = this;
    this.#childrenStop = undefined;
    const reason = life.ending as ExitReason;
    if (reason.type === 'killed' || life.behavior === undefined) {
      this.#complete();
      return;
    }
    this.#letGo();
    running.cell = this;
    let cleaning: void | PromiseLike<void> = undefined;
    try {
      cleaning = life.behavior.stop(reason);
      running.cell = undefined;
    } catch (error) {
      running.cell = undefined;
      this.#discard({ type: 'crash', error });
      core.log.error({ path: this.path, err: error }, 'cleanup failed');
    }
    // It has done its work: who is spawned here next begins anew.
    const forgotten = reason.type === 'normal' ? life.persistence?.forget() : undefined;
    if (forgotten !== undefined)
      cleaning = Promise.all([cleaning, forgotten]).then(() => undefined);
    if (cleaning === undefined) {
      this.#complete();
      return;
    }
    // What it sends after an await leaves at once, and must not overtake what it sent before.
    this.#letGo();
    Promise.resolve(cleaning).then(
      () => this.signal({ type: 'cleaned', life }),
      (error: unknown) => {
        core.log.error({ path: this.path, err: error }, 'cleanup failed');
        this.signal({ type: 'cleaned', life });
      },
    );
  }

  /** No step follows: what only waited for room goes its way. */
  #letGo(): void {
    this.#held = undefined;
    this.blockedAt = undefined;
    if (this.#outbox === undefined || this.#outbox.empty) return;
    this.#tellEmitted();
    for (const envelope of this.#outbox.discard()) this.core.deliver(envelope, STOP_WAITING);
  }

  /** The life is over: settle what it owes, free its names, then tell. */
  #complete(): void {
    const { life, core } = this;
    if (life.over) return;
    life.over = true;
    const reason = life.ending as ExitReason;
    this.exit = reason;
    this.#killTimer?.();
    this.#killTimer = undefined;
    this.#pendingStop = undefined;
    this.#letGo();
    try {
      life.behavior?.dispose();
    } catch (error) {
      core.callbackThrew(error);
    }
    life.settleObligations(reason);
    core.names.release(life);
    if (core.inspection.active) {
      core.inspection.emit({
        type: 'ended',
        path: this.path,
        incarnation: life.incarnation,
        reason: core.redaction.reason(this.path, reason),
      });
    }
    const keep =
      this.options.held && this.parent !== undefined && this.parent.status !== 'stopping';
    if (keep) {
      this.status = 'vacant';
      if (this.mailbox.onRestart === 'clear') this.#drain(reason);
    } else this.#leave(reason);
    life.tell(reason);
    if (life.startFailed) this.#watchers?.tellStartFailed(() => startFailure(this.path, reason));
    if (!keep || reason.type === 'normal') this.#watchers?.tellEnded(reason);
    if (!keep) this.#watchers?.close(reason);
  }

  /** Gives up a vacant place: nobody will live here again. */
  release(): void {
    if (this.status === 'vacant') this.#release();
  }

  #release(): void {
    const reason = this.exit ?? NORMAL;
    this.#killTimer?.();
    this.#leave(reason);
    this.#watchers?.tellEnded(reason);
    this.#watchers?.tellStartFailed(() => startFailure(this.path, reason));
    this.#watchers?.close(reason);
  }

  #leave(reason: ExitReason): void {
    this.status = 'ended';
    this.#drain(reason);
    this.core.vacate(this);
    // A parent that stops waits for it. Any other must not list it any more: its place may be taken.
    if (this.parent?.status === 'stopping')
      this.parent.signal({ type: 'child ended', child: this });
    else this.parent?.children?.delete(this);
  }

  #drain(reason: ExitReason): void {
    for (const envelope of this.mailbox.drain())
      if (!envelope.exempt) this.core.undeliverable(envelope, reason);
    if (this.#waiting === undefined) return;
    for (const { envelope, admitted } of this.#waiting.drain()) {
      this.core.undeliverable(envelope, reason);
      admitted();
    }
  }

  // ── The next life ───────────────────────────────────────────────────────────────────────────

  /** Starts a new life in a vacant place; false when the place is not vacant. */
  restart(): boolean {
    if (this.status !== 'vacant') return false;
    this.restarts += 1;
    this.core.stats.restarts += 1;
    this.status = 'starting';
    this.exit = undefined;
    this.suspended = false;
    this.life = new Life(this, this.life.incarnation + 1);
    // Notices, and events of the former life's own actors and timers, mean nothing to the next one.
    this.mailbox.removeWhere((envelope) => envelope.exempt);
    // What the former life postponed is tried by this one: its state is another.
    this.mailbox.unpostpone();
    if (this.core.inspection.active) {
      this.core.inspection.emit({
        type: 'restarted',
        path: this.path,
        incarnation: this.life.incarnation,
      });
    }
    this.#startNamed();
    return true;
  }

  /** Starts under the name of the spawn, which was given up with the former life and may be taken now. */
  #startNamed(): void {
    const { core, life, options } = this;
    try {
      if (options.name !== undefined) core.names.register(options.name, life);
      this.begin();
    } catch (error) {
      this.signal({ type: 'failed', life, error });
    }
  }

  // ── Watching ────────────────────────────────────────────────────────────────────────────────

  get #watched(): Watchers {
    return (this.#watchers ??= new Watchers((callback) => this.core.guard(callback)));
  }

  whenStarted(started: (failure: unknown) => void): void {
    const startFails = this.status === 'stopping' && this.life.startFailed;
    if (this.status === 'starting' || this.status === 'vacant' || startFails) {
      this.#watched.whenStarted(started);
    } else if (this.status === 'ended' && this.life.startFailed) {
      started(startFailure(this.path, this.exit ?? NOPROC));
    } else started(undefined);
  }

  whenEnded(ended: (reason: ExitReason) => void): void {
    if (this.status === 'ended') ended(this.exit ?? NORMAL);
    else this.#watched.whenEnded(ended);
  }

  observe(observer: SnapshotObserver): () => void {
    if (this.status !== 'ended') return this.#watched.observe(observer);
    this.core.guard(() => closeObserver(observer, this.exit));
    return STOP_WAITING;
  }

  listen(type: string, listener: EmitListener): () => void {
    return this.#watched.listen(type, listener);
  }

  snapshot(): Snapshot<unknown> {
    const { life } = this;
    life.prepare();
    return (life.behavior as Behavior).snapshot();
  }
}

/** The error of a start that failed: in a tree, that of the first agent that could not start. */
function startFailure(path: string, reason: ExitReason): StartFailed {
  const cause =
    reason.type === 'crash'
      ? reason.error
      : reason.type === 'shutdown' && reason.cause !== undefined
        ? reason.cause
        : new Error(`it ended (${reason.type}) while it started`);
  return cause instanceof StartFailed ? cause : new StartFailed({ path }, { cause });
}
