/**
 * An event: one thing that may happen next in a simulated system, and the choice of a schedule.
 *
 * An event has a structural id, such as `A>B:go#2`: the second `go` that A sent to B. It says what
 * the event is and not when it came, so that it names the same event in another schedule, and mostly
 * in an edited program.
 */
import type { Ask, Cell, Envelope, Timer } from '../runtime/internal.ts';
import type { Pending } from './effects.ts';

/** What can happen. */
export type SimEvent = Delivery | Reply | Firing | Completion | Wiring | Healing | Fault;

interface Common {
  readonly id: string;
  /** What fairness is about: an event of a key that is enabled again and again must happen at last. */
  readonly key: string;
  /** Whose step it is; undefined when code outside agents gets it. */
  readonly cell: Cell | undefined;
  /** When it came to be: FIFO takes the smallest. */
  readonly order: number;
  /** The number of the step in which it came to be; -1 for the setup. */
  readonly bornAt: number;
}

/** An agent handles a message. */
export interface Delivery extends Common {
  readonly kind: 'deliver';
  readonly cell: Cell;
  readonly envelope: Envelope;
}

/** An answer reaches whoever asked. */
export interface Reply extends Common {
  readonly kind: 'reply';
  readonly ask: Ask;
  readonly envelope: Envelope;
}

/** Time goes on to the next timer. */
export interface Firing extends Common {
  readonly kind: 'timer';
  readonly timer: Timer;
}

/** Work of the outside world comes to an end, or tells something. */
export interface Completion extends Common {
  readonly kind: 'effect';
  readonly effect: Pending;
}

/** Something happens on the wire between two nodes: mostly, a frame arrives. */
export interface Wiring extends Common {
  readonly kind: 'wire';
  readonly perform: () => void;
  /** What can go wrong with the frame instead. */
  readonly spoil?: Partial<Record<'drop' | 'duplicate' | 'reorder', () => void>>;
}

/** A partition is over. */
export interface Healing extends Common {
  readonly kind: 'heal';
}

/** Something breaks. */
export interface Fault extends Common {
  readonly kind:
    | 'crash'
    | 'crash after'
    | 'crash waiting'
    | 'drop'
    | 'duplicate'
    | 'reorder'
    | 'cut'
    | 'partition'
    | 'late';
  /** The budget that it spends. */
  readonly budget: FaultKind;
  /** The event that it replaces or spoils; undefined for a partition and the crash of an agent that waits. */
  readonly of: Delivery | Reply | Wiring | undefined;
  /** The effect that was given up, and goes on all the same. */
  readonly effect?: Pending;
  /** Cuts the link. */
  readonly cut?: () => void;
}

export type FaultKind = 'crash' | 'drop' | 'duplicate' | 'reorder' | 'cut' | 'partition' | 'late';

/** Whether two events that could both happen next may lead elsewhere in another order. */
export function races(a: SimEvent, b: SimEvent): boolean {
  // Time, and who can reach whom, concern everybody.
  if (a.cell === undefined || b.cell === undefined) return true;
  return a.cell === b.cell;
}
