import { readFileSync } from 'node:fs';

const groups = JSON.parse(readFileSync(new URL('groups.json', import.meta.url), 'utf8'));

// The property tests run a fifth of their usual runs: a mutant mostly falls in the first few.
process.env.TROUPE_RUNS ??= '0.2';

export default {
  mutate: groups[process.env.TROUPE_MUTATE].mutate,
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // Short ones take changes for endless loops on a busy machine; real ones mostly meet the limit of hits.
  timeoutMS: 4_000,
  // TypeScript 7 has no API to rewrite a tsconfig with, and the tests need none: so none is named.
  tsconfigFile: 'none.json',
  // What an error says is not a rule, and a constant of the module would be tried by all tests.
  mutator: { excludedMutations: ['StringLiteral'] },
  ignoreStatic: true,
  reporters: ['clear-text', 'progress-append-only'],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false },
  thresholds: { high: 95, low: 85, break: 85 },
};
