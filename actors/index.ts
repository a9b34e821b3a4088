/** The public surface of `troupe/actors`. */
export { InvalidConfig, loadConfig } from './configuration/config.ts';
export type { Config, ConfigSources, ConfigSpec, FlagOf } from './configuration/config.ts';
export type { Sourced } from './configuration/layer.ts';
export { diffConfigs } from './configuration/diff.ts';
export type { ConfigDifference, ConfigSide } from './configuration/diff.ts';
export { Secret } from './configuration/secret.ts';
export { decide } from './guard/policy.ts';
export type {
  Decision,
  EffectClass,
  Policy,
  PolicyQuery,
  PolicyRule,
  Principal,
  Ruling,
} from './guard/policy.ts';
export { guard } from './guard/guard.ts';
export type { Audited, Guard, GuardEvent, GuardOptions } from './guard/guard.ts';
export { EffectConflict, guardedAction } from './guard/guarded-action.ts';
export type {
  EffectCall,
  GuardedAction,
  GuardedActions,
  Perform,
  Verdict,
} from './guard/guarded-action.ts';
export type { Approval, ApprovalRequest, Approver } from './guard/approval.ts';
export type { AuditRecord } from './guard/audit.ts';
export { digestOf } from './digest.ts';
