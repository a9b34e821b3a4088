/** The public surface of `troupe/actors`. */
export { InvalidConfig, loadConfig } from './config.ts';
export type { Config, ConfigSources, ConfigSpec, FlagOf } from './config.ts';
export type { Sourced } from './config-layer.ts';
export { diffConfigs } from './config-diff.ts';
export type { ConfigDifference, ConfigSide } from './config-diff.ts';
export { Secret } from './secret.ts';
