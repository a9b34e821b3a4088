/** The way to one seed: tried for ever, with growing pauses, until a link is up; and again when it is lost. */
import type { Core, Timer } from '../runtime/internal.ts';
import { TRANSPORT_LIMITS } from './limits.ts';
import type { Link, Links } from './link.ts';

/** What a dialer tells its node. */
export interface DialerReport {
  dialed(link: Link, dialer: Dialer): void;
  unreachable(seed: string, error: unknown, attempts: number): void;
}

/** Who wants to know what became of a link that was dialed. */
export interface Dialing {
  /** The link is up. */
  reached(): void;
  /** There is a link by another way. */
  linked(): void;
  /** There is no link, or none any more. */
  failed(error: unknown): void;
}

export class Dialer implements Dialing {
  readonly seed: string;
  readonly #core: Core;
  readonly #links: Links;
  readonly #report: DialerReport;
  #timer: Timer | undefined;
  #attempts = 0;
  #isDialing = false;
  #isOver = false;

  constructor(seed: string, core: Core, links: Links, report: DialerReport) {
    this.seed = seed;
    this.#core = core;
    this.#links = links;
    this.#report = report;
  }

  dial(): void {
    if (this.#isDialing || this.#isOver) return;
    this.#isDialing = true;
    this.#links.dial(this.seed).then(
      (link) => {
        this.#isDialing = false;
        if (this.#isOver) link.close(1000, 'left');
        else this.#report.dialed(link, this);
      },
      (error: unknown) => {
        this.#isDialing = false;
        if (!this.#isOver) this.failed(error);
      },
    );
  }

  /** The link is up. */
  reached(): void {
    this.#attempts = 0;
  }

  /** There is a link by another way: looks again later. */
  linked(): void {
    this.#attempts = 0;
    this.#later(TRANSPORT_LIMITS.redialMsMax);
  }

  /** There is no link, or none any more: tries again after a pause. */
  failed(error: unknown): void {
    if (this.#isOver || this.#timer !== undefined) return;
    this.#attempts += 1;
    this.#report.unreachable(this.seed, error, this.#attempts);
    const { redialMs, redialMsMax } = TRANSPORT_LIMITS;
    this.#later(Math.min(redialMsMax, redialMs * 2 ** Math.min(this.#attempts - 1, 20)));
  }

  #later(pauseMs: number): void {
    if (this.#isOver || this.#timer !== undefined) return;
    // Half of the pause is chance, so that nodes that lost each other at once do not meet at once.
    const { clock, random, timers } = this.#core;
    const dueMs = clock.now() + pauseMs * (0.5 + random.float() / 2);
    this.#timer = timers.schedule(dueMs, () => {
      this.#timer = undefined;
      this.dial();
    });
  }

  /** Nothing is tried any more. */
  stop(): void {
    this.#isOver = true;
    if (this.#timer !== undefined) this.#core.timers.cancel(this.#timer);
    this.#timer = undefined;
  }
}
