/** The public surface of `troupe/actors`. */
export { InvalidConfig, loadConfig } from './config.ts';
export type { Config, ConfigSources, ConfigSpec, FlagOf } from './config.ts';
export type { Sourced } from './config-layer.ts';
export { diffConfigs } from './config-diff.ts';
export type { ConfigDifference, ConfigSide } from './config-diff.ts';
export { Secret } from './secret.ts';
export { decide } from './policy.ts';
export type {
  Decision,
  EffectClass,
  Policy,
  PolicyQuery,
  PolicyRule,
  Principal,
  Ruling,
} from './policy.ts';
export { guard } from './guard.ts';
export type { Audited, Guard, GuardEvent, GuardOptions } from './guard.ts';
export { EffectConflict, guardedAction } from './guarded-action.ts';
export type {
  EffectCall,
  GuardedAction,
  GuardedActions,
  Perform,
  Verdict,
} from './guarded-action.ts';
export type { Approval, ApprovalRequest, Approver } from './approval.ts';
export type { AuditRecord } from './audit.ts';
export { digestOf } from './digest.ts';
