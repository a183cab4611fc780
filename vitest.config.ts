import { defineConfig } from 'vitest/config';

/** Tests import `src`; worker threads and child processes run `dist`, which the global setup builds first. */
export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/build.ts'],
    setupFiles: ['tests/support/seed.ts'],
    pool: 'forks',
    // Modules are loaded once a process: loading them anew for each of 167 files took 147 s of the workers' time, so 23 s.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
