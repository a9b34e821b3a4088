/** The public surface of `troupe/testing`. */
export { NotSettled, createTestSystem } from './test-system.ts';
export type { TestSystem, TestSystemOptions } from './test-system.ts';
export { Probe } from './probe.ts';
