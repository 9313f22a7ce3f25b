import { defineConfig } from 'vitest/config';

/** unit: pure and local. scenario: the sandbox fleet over real sockets. lab: real sshd, dockerd, HAProxy and registry. */
export default defineConfig({
  test: {
    reporters: process.env['CI'] === 'true' ? ['default'] : ['default'],
    testTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/{unit,property,cases}/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'differential',
          include: ['test/differential/**/*.test.ts'],
          globalSetup: ['test/differential/setup-ansible.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'scenario',
          include: ['test/scenario/**/*.test.ts'],
          globalSetup: ['test/support/setup-build.ts'],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          globalSetup: ['test/support/setup-build.ts', 'test/lab/support/setup-lab.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
