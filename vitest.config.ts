import { defineConfig } from 'vitest/config';

// `source` makes `troupe` mean the sources beside the tests, so that no build comes first. The
// others are what Node itself assumes: files for bundlers (`module`) need not run in it.
const conditions = ['source', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default'],
    // A dependency of the AI SDK keeps its own sources under `source`, which Node cannot run.
    server: { deps: { inline: [/[/]ai[/]dist/, /eventsource-parser/, /@ai-sdk/] } },
    // No test measures time: a limit is for what hangs, and a busy machine is not.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
