/** The public surface of the runtime. */
export { createSystem } from './system.ts';
export type {
  AgentInfo,
  OpenRequest,
  System,
  SystemHealth,
  SystemOptions,
  SystemStats,
} from './system.ts';
export { fromHandler } from './handler.ts';
export type { Handled, Handler, HandlerLogic, HandlerSnapshot } from './handler.ts';
export { ask, fail, reply } from './machine.ts';
export type { AskInput, PostponeMeta } from './machine.ts';
export { here } from './context.ts';
export type { AgentContext, Request, StartOutcome } from './context.ts';
export { agentName } from './names.ts';
export { isRef } from './ref.ts';
export type {
  Address,
  AgentName,
  AnyRef,
  AskOptions,
  Question,
  Ref,
  RefFrom,
  ReplyOf,
  ReplyTo,
  RequestNamed,
  RequestOf,
  StopOptions,
} from './ref.ts';
export { isCleanExit } from './exit.ts';
export type { Down, Exit, ExitReason } from './exit.ts';
export { Wait } from './wait.ts';
export type { Monitor } from './life.ts';
export type {
  ChildSpawnOptions,
  CommonSpawnOptions,
  PersistOptions,
  Shutdown,
  SpawnArguments,
  SpawnOptions,
} from './spawn-options.ts';
export type { MailboxOptions, Overflow } from './mailbox.ts';
export { MemoryStore } from './store.ts';
export type { SavedSnapshot, SavedTimer, SnapshotStore } from './store.ts';
export type { DeadLetter, DeadLetterReason, DeadLetters } from './dead-letters.ts';
export type { InspectionEvent, Report, ReportParts } from './inspection.ts';
export type { Budget, Envelope } from './envelope.ts';
export { stopOnSignals } from './shutdown.ts';
export { observeMetrics } from './metrics.ts';
export type { Meter } from './metrics.ts';
export { LIMITS } from './limits.ts';
export type { Log } from './log.ts';
export { createClock, createVirtualClock } from './clock.ts';
export type { Clock, VirtualClock } from './clock.ts';
export { createRandom, createSeededRandom } from './random.ts';
export type { Random } from './random.ts';
export { createScheduler, createSteppedScheduler } from './scheduler.ts';
export type { Runnable, Scheduler, SteppedScheduler } from './scheduler.ts';
export type { Network } from './network.ts';
export type { Effect, EffectKind, EffectSink, Effects } from './effects.ts';
export {
  ActorEnded,
  AskTimeout,
  AskedByStartingChild,
  DeadlockError,
  HopLimit,
  Interrupted,
  InvalidOption,
  MailboxFull,
  NameTaken,
  NoParent,
  NoSuchActor,
  NotLocal,
  RequestLost,
  StartFailed,
  SystemStopped,
  TroupeError,
  UnfitPayload,
  Unhandled,
  UnsupportedXState,
} from './errors.ts';
export type { AskProgress } from './errors.ts';
export type { RecordedEffect, RecordedMessage, Recording } from './recorder.ts';
export type { CustodyEntry } from './custody.ts';
export { watchForTrouble, type Alarm, type WatchdogOptions } from './watchdog.ts';
