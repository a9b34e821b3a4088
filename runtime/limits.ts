/** Every limit of the runtime: name, unit, default, and what happens at it. */
export const LIMITS = {
  /** Messages that wait in a mailbox; at the bound its overflow policy decides. */
  capacityMessages: 4096,
  /** Messages that a state has postponed; one more is treated as a full mailbox. */
  capacityPostponed: 4096,
  /** Messages that one agent handles before the next gets its turn. */
  messagesPerTurn: 64,
  /** Milliseconds that the run loop works before timers and sockets get their turn. */
  sliceMs: 4,
  /** Deadline of an ask at the root of a task; below, the inherited one shrinks. Passing it fails the ask. */
  askTimeoutMs: 5_000,
  /** Asks, delegations and handoffs behind one message; one more fails with `HopLimit`. */
  hopsMax: 256,
  /** Microsteps of one XState macrostep (raise, always); one more crashes the machine instead of hanging the process. */
  microstepsMax: 100_000,
  /** Dead letters kept; the oldest goes first. */
  deadLettersMax: 1_000,
  /** Dead letters that are logged one by one in each window; the rest are counted. */
  logsPerWindow: 10,
  /** Length of such a window. */
  logWindowMs: 5_000,
  /** Time that a child gets to end before it is killed. */
  shutdownMs: 5_000,
  /** Time between two looks of a watchdog. */
  watchEveryMs: 1_000,
  /** Age at which a watchdog takes an open request for stuck, when whoever must answer it is idle. */
  stuckMs: 30_000,
  /** Age from which a watchdog takes a waiting message for starving. */
  starvedMs: 10_000,
  /** Messages that its receiver has handled meanwhile. */
  starvedServed: 1_000,
  /** Crashes of one place, with nothing handled to its end in between, that a watchdog takes for a storm. */
  stormCrashes: 10,
  /** The window within which they come. */
  stormWindowMs: 10_000,
  /** Entries of who had a request, and what they did with it, that an alarm gives: the newest. */
  custodyMax: 32,
  /** Messages from outside and effects that a watchdog keeps when it records; the oldest go first. */
  recordedMax: 1_000,
  /** Milliseconds of real time that `run` of a test system waits for I/O while nothing is due; then it rejects with `NotSettled`. */
  idleMsMax: 4_000,
  /** Virtual timers that one `run` of a test system fires; one more rejects it with `NotSettled`. */
  timersFiredMax: 100_000,
} as const;
