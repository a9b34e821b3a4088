/** The public surface of `troupe/supervision`. */
export { supervisor } from './supervisor.ts';
export type { SupervisorLogic } from './supervisor.ts';
export type { SupervisorOptions } from './plan.ts';
export { dynamicSupervisor } from './dynamic-supervisor.ts';
export type { DynamicSupervisorLogic, DynamicSupervisorOptions } from './dynamic-supervisor.ts';
export { TaskAborted, TaskTimeout, callersOf, runTask, taskSupervisor } from './task-supervisor.ts';
export type { Task, TaskOptions, TaskSupervisorLogic, TaskWork } from './task-supervisor.ts';
export { streamTasks } from './task-stream.ts';
export type { StreamTasksOptions, StreamWork, TaskOutcome } from './task-stream.ts';
export { partitionFor, partitionOf, partitionSupervisor } from './partition-supervisor.ts';
export type {
  PartitionSpec,
  PartitionSupervisorLogic,
  PartitionSupervisorOptions,
  PartitionSupervisorRef,
  Partitions,
} from './partition-supervisor.ts';
export { remoteChild } from './remote-child.ts';
export type { RemoteChildOptions } from './remote-child.ts';
export { spawner } from './spawner.ts';
export type { OfferedSpec, SpawnerEvent, SpawnerLogic, SpawnerOptions } from './spawner.ts';
export { worstCase } from './worst-case.ts';
export type {
  WorstCase,
  WorstCaseChain,
  WorstCaseConcern,
  WorstCaseLevel,
  WorstCaseOptions,
  WorstCaseWarning,
} from './worst-case.ts';
export type {
  ChildCounted,
  ChildList,
  ChildSpecFound,
  ChildStarted,
  Done,
  DynamicSupervisorEvent,
  SupervisorEvent,
} from './request.ts';
export { ChildSpec, child } from './child-spec.ts';
export type { ChildSpecOptions } from './child-spec.ts';
export type { ChildCount, ChildInfo } from './children.ts';
export {
  countChildren,
  deleteChild,
  getChildSpec,
  restartChild,
  startChild,
  stopChild,
  whichChildren,
} from './management.ts';
export { isReported, shouldRestart, stoppedWell } from './policy.ts';
export type { Restart } from './policy.ts';
export { backoffMs } from './backoff.ts';
export type { BackoffOptions } from './backoff.ts';
export { RestartWindow } from './intensity.ts';
export { restartGroup } from './strategy.ts';
export type { Strategy } from './strategy.ts';
export {
  AlreadyPresent,
  AlreadyStarted,
  ChildIgnored,
  ChildNotFound,
  ChildRestarting,
  ChildRunning,
  MaxChildren,
  NotOffered,
  RestartIntensityReached,
} from './errors.ts';
export type { RestartLimit } from './errors.ts';
