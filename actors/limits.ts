/** Every limit of the library of agents: name, unit, default, and what happens at it. */
export const ACTORS_LIMITS = {
  /** Milliseconds that an approver has; then the request has expired. */
  approvalTimeoutMs: 900_000,
  /** Records that a guard keeps; the oldest go first. */
  auditCapacity: 1_000,
  /** Denials that stick to their call; the oldest are forgotten. */
  denialsKept: 1_024,
  /** Times that a request is decided anew because the world was not as believed; one more fails it. */
  conflictRetries: 3,
} as const;
