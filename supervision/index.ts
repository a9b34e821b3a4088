/** The public surface of `troupe/supervision`. */
export { supervisor } from './supervisor.ts';
export type {
  ChildCounted,
  ChildList,
  ChildSpecFound,
  ChildStarted,
  Done,
  SupervisorEvent,
  SupervisorLogic,
  SupervisorOptions,
} from './supervisor.ts';
export { dynamicSupervisor } from './dynamic-supervisor.ts';
export type {
  DynamicSupervisorEvent,
  DynamicSupervisorLogic,
  DynamicSupervisorOptions,
} from './dynamic-supervisor.ts';
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
export { shouldRestart } from './policy.ts';
export type { Restart } from './policy.ts';
export { RestartWindow } from './intensity.ts';
export { restartGroup } from './strategy.ts';
export type { Strategy } from './strategy.ts';
export {
  AlreadyPresent,
  AlreadyStarted,
  ChildNotFound,
  ChildRestarting,
  ChildRunning,
  MaxChildren,
  RestartIntensityReached,
} from './errors.ts';
