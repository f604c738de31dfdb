import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { SecondTry } from './test/setup/second-try.ts';

// Property tests are repeatable wherever they are.
const setupFiles = [join(import.meta.dirname, 'test/setup/fast-check.ts')];

// Three projects by what they need: nothing; root and a kernel; a whole cluster. The last two share the machine's
// namespaces and cores, so their files run one after another.
// Where nobody looks on, a test that needs a kernel or a cluster is tried once more, and named if that helped; a unit test
// has no such excuse.
const retry = process.env.CI ? 1 : 0;

export default defineConfig({
  test: {
    reporters: ['default', new SecondTry()],
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles,
          include: ['src/**/*.test.ts', 'test/*.test.ts', 'test/labs/*.unit.test.ts', 'examples/**/*.test.ts'],
          // The examples import the package by its name.
          alias: { 'portico/testing': join(import.meta.dirname, 'src/testing/index.ts') },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'kernel',
          setupFiles,
          retry,
          include: ['test/kernel/**/*.test.ts', 'test/labs/**/*.test.ts'],
          exclude: ['test/labs/*.unit.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'e2e',
          setupFiles,
          retry,
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
