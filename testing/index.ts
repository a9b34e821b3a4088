/** The public surface of `troupe/testing`. */
export { createTestSystem } from './test-system.ts';
export type { TestSystem, TestSystemOptions } from './test-system.ts';
export { Probe } from './probe.ts';
