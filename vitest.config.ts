import { defineConfig } from 'vitest/config';

// `source` makes `troupe` mean the sources beside the tests, so that no build comes first. The
// others are what vite itself assumes on a server, and setting the list replaces them.
const conditions = ['source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default'],
    // No test measures time: a limit is for what hangs, and a busy machine is not.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
