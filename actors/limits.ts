/** Every limit of the library of agents: name, unit, default, and what happens at it. */
export const ACTORS_LIMITS = {
  /** Milliseconds that a task has when code outside agents sets none; passing it fails the task with `timeout`. */
  taskMs: 60_000,
  /** Delegations of a whole task, nested ones too, when its budget names no `calls`; one more fails with `budgetExceeded`. */
  callsMax: 1_000,
  /** Tasks that a performer works on at a time; further ones wait in its mailbox. */
  concurrency: 8,
  /** Milliseconds, and at most a tenth of what there is, that a team keeps of its time for putting its results together, and that a performer gets beyond a deadline to say how the task ended. */
  marginMs: 100,
  /** Characters kept of an error's message in a failure. */
  messageCharsMax: 500,
  /** Causes kept of a failure, at each level. */
  causesMax: 16,
  /** Milliseconds that an approver has; then the request has expired. */
  approvalTimeoutMs: 900_000,
  /** Records that a guard keeps; the oldest go first. */
  auditCapacity: 1_000,
  /** Runs that a chronicle keeps; the oldest go first. */
  storiesMax: 100,
  /** Entries that a chronicle keeps of one run; later ones are counted only, but for its end. */
  storyEntriesMax: 1_000,
  /** Denials that stick to their call; the oldest are forgotten. */
  denialsKept: 1_024,
  /** Times that a request is decided anew because the world was not as believed; one more fails it. */
  conflictRetries: 3,
  /** Calls of a model for one task; one more ends it with what there is. */
  modelTurnsMax: 20,
  /** Milliseconds of one call of a model; then it fails with `timeout`. */
  modelCallMs: 60_000,
  /** Tokens of one answer of a model, reserved before the call; a longer answer is cut there. */
  outputTokensMax: 1_024,
  /** Characters that count as one token where a prompt is estimated. */
  charsPerToken: 4,
  /** Milliseconds without a part of a stream; then the call fails. */
  streamSilenceMs: 30_000,
  /** Times that a model is told what was wrong with its calls and answers; one more fails the task. */
  repairsMax: 3,
  /** Steps of a plan; one more is refused. */
  planStepsMax: 100,
  /** Times that another plan is asked for, whatever comes of it; then the task ends with what there is. */
  replansMax: 3,
  /** Characters of a step's output that a planner is shown; the rest it takes by a binding. */
  previewCharsMax: 200,
  /** Calls of one tool with the same arguments and result; so many fail the task with `loopDetected`. */
  sameToolCallsMax: 4,
  /** Handoffs of one task in a swarm, and in those within it; one more fails with `hopLimit`. */
  hopLimit: 16,
  /** Times that one member of a swarm gets the same task; one more fails with `loopDetected`. */
  visitsMax: 5,
  /** Milliseconds that a member has to accept a handoff, and for which its acceptance holds; then the task stays with its sender. */
  offerMs: 5_000,
  /** Milliseconds that a member of a swarm has at a time. One that is lost owns the task until they have passed. */
  turnMs: 20_000,
  /** Handoffs that a seat remembers, to answer each again as before; the oldest that have ended go first. */
  handoffsKept: 1_024,
  /** Characters of a handoff without its messages; a longer one goes back to its sender. */
  handoffCharsMax: 65_536,
  /** Characters of a reason, a summary or a note in a handoff; a longer one goes back to its sender. */
  noteCharsMax: 4_096,
  /** Messages of a conversation that go along with a handoff: the newest. */
  handoffMessagesMax: 50,
  /** Questions that wait in a human's inbox at a time; one more is refused with `unavailable`. */
  inboxCapacity: 1_000,
  /** Answers that an inbox remembers, to say who gave them; the oldest go first. */
  answersKept: 1_024,
  /** Events that a subscription has not acknowledged; one more becomes a dead letter, or its publisher waits, as the subscription says. */
  backlogMax: 1_000,
  /** Milliseconds that a subscriber has for one event; then the attempt has failed with `timeout`. */
  deliveryMs: 30_000,
  /** Attempts at bringing an event to a subscriber that is there; then it becomes a dead letter. */
  deliveryAttempts: 5,
  /** Milliseconds before the second attempt, and before the first look for a subscriber that is not there; doubled each time. */
  deliveryRetryMinMs: 100,
  /** The longest such delay in milliseconds. */
  deliveryRetryMaxMs: 30_000,
  /** Dead letters kept of a subscription; the oldest are given up, and the log is told. */
  deadEventsKept: 1_000,
  /** Dedupe keys that a bus remembers; an event that is published again after its key was forgotten is a new one. */
  eventsRemembered: 10_000,
  /** Events that one event follows from, each from the one before; one more is refused with `HopLimit`. */
  causationMax: 64,
  /** Events of a journal from one snapshot to the next; a start folds so many at most. */
  snapshotEvery: 100,
  /** Writes that shared state knows again by their id; the oldest are forgotten. */
  writesKept: 1_024,
  /** Finished pieces of work from one snapshot of a work log to the next; a start folds so many at most. */
  workSnapshotEvery: 1_000,
  /** Milliseconds of one attempt of a worker; then the attempt fails with `timeout`. */
  attemptMs: 30_000,
  /** Tasks that an overseer has in its queue and at its workers; further ones wait in its mailbox. */
  queueCapacity: 1_000,
  /** Failures in a row that are a worker's own; so many, and it gets nothing for `breakerOpenMs`. */
  breakerFailuresMax: 3,
  /** Milliseconds until a worker with an open breaker is tried with one task. */
  breakerOpenMs: 10_000,
  /** Milliseconds of a lease on claimed work; whoever has not renewed it by then has lost the work. */
  leaseMs: 30_000,
  /** Claimants that a task may lose; one more fails it. */
  lapsesMax: 3,
  /** Outcomes that are kept for whoever asks again under the same id; the oldest are forgotten. */
  outcomesKept: 1_000,
  /** Tasks that wait for their turn in a pool; one more is refused as `unavailable`. */
  poolQueueMax: 1_000,
} as const;

/** The margin of a time: see `marginMs`. */
export function marginOf(timeMs: number): number {
  return Math.min(ACTORS_LIMITS.marginMs, timeMs / 10);
}
