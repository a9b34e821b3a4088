/** The face of troupe: what a first program imports. Each folder's own list stands in its index.ts. */
export * from './runtime/index.ts';
export * from './supervision/index.ts';
