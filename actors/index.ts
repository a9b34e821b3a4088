/** The public surface of `troupe/actors`. */
export { InvalidConfig, loadConfig } from './config.ts';
export type { Config, ConfigSources, ConfigSpec, FlagOf } from './config.ts';
export type { Sourced } from './config-layer.ts';
export { diffConfigs } from './config-diff.ts';
export type { ConfigDifference, ConfigSide } from './config-diff.ts';
export { Secret } from './secret.ts';
export { ACTORS_LIMITS } from './limits.ts';
export type {
  AnyPerformer,
  CancelTask,
  Cancelled,
  Done,
  Failed,
  InputOf,
  Outcome,
  OutputOf,
  PartlyDone,
  Performer,
  PerformerEvent,
  PerformerLogic,
  PerformerName,
  PerformerRef,
  Step,
  Task,
  TaskReply,
  TaskRequest,
  TaskSpec,
} from './task.ts';
export { TaskFailed, failureOf } from './failure.ts';
export type {
  EffectState,
  Failure,
  FailureKind,
  FailureParts,
  FailureSite,
  ResourcesLeft,
  RetryAdvice,
} from './failure.ts';
export { fingerprint } from './fingerprint.ts';
export { fit } from './schema.ts';
export { Purse } from './purse.ts';
export { performer } from './performer.ts';
export type { Members, PerformerOptions, PerformerState, Team } from './performer.ts';
export { PartialResult } from './run.ts';
export type { PerformOptions, RetryOptions, TaskRun, Work, Worked } from './run.ts';
export type { Call, CallOptions } from './call.ts';
export { perform } from './perform.ts';
export type { PerformRootOptions } from './perform.ts';
