import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import groups from './groups.json' with { type: 'json' };

const conditions = ['source', 'module', 'node', 'development|production'];
const group = process.env['TROUPE_MUTATE'] as keyof typeof groups;

// As vitest.config.ts, with only the tests that a mutant of the group has to get past.
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: groups[group].tests,
    // One worker reads the sources once for all files of a group: that is most of what a mutant costs.
    isolate: false,
    setupFiles: [fileURLToPath(new URL('setup.ts', import.meta.url))],
  },
});
