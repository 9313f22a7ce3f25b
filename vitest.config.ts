import { defineConfig } from 'vitest/config';
import { enginesFor } from './test/lab/support/engines.ts';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const engineTable = './test/lab/support/engine-table.ts';

/** Begins with the suites that take longest, the longest first, so that none of them is alone at the end. */
class LongestFirst extends BaseSequencer {
  static readonly #long = [
    /\/(lab|scenario)\/contract\.test\.ts$/,
    /\/lab\/(chaos|newest\/(verdict|data|balancer|releases|maintenance))\.test\.ts$|\/scenario\/(failures|verdict|package)\.test\.ts$/,
  ];

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = LongestFirst.#long.findIndex((names) => names.test(moduleId));
      return found === -1 ? LongestFirst.#long.length : found;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/**
 * unit: pure and local. differential: against the real Ansible. scenario: the sandbox fleet over real sockets. lab: real
 * sshd, dockerd, HAProxy and registry. engine-…: what meets docker itself, on another docker; ENGINES=all for all of
 * them, ENGINES=ci for CI's.
 * One kind after the other, so that none is slowed by what it does not test.
 */
export default defineConfig({
  test: {
    // .ci/run counts from the report.
    reporters:
      process.env['CI'] === 'true'
        ? [
            'default',
            engineTable,
            ['json', { outputFile: process.env['TEST_REPORT'] ?? 'node_modules/.cache/test-report.json' }],
          ]
        : ['default', engineTable],
    testTimeout: 30_000,
    sequence: { sequencer: LongestFirst },
    // Tests of fleets wait more than they work: three files at once, also on two cores.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/{unit,property}/**/*.test.ts'],
          // No test of it changes what another sees, so 200 files share processes, and what these have loaded.
          isolate: false,
          sequence: { groupOrder: 0 },
          // Properties compute for seconds, and on a busy machine for many times as long.
          testTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'differential',
          sequence: { groupOrder: 1 },
          include: ['test/differential/**/*.test.ts'],
          globalSetup: [
            'test/support/setup-build.ts',
            'test/support/setup-compose.ts',
            'test/differential/setup-ansible.ts',
          ],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'scenario',
          sequence: { groupOrder: 2 },
          include: ['test/scenario/**/*.test.ts'],
          globalSetup: ['test/support/setup-build.ts'],
          testTimeout: 60_000,
          // Hooks deploy, as tests do.
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'lab',
          sequence: { groupOrder: 3 },
          include: ['test/lab/**/*.test.ts'],
          exclude: [
            // These need hosts with a root file system of their own, which the newest engine's project prepares.
            'test/lab/systems.test.ts',
            'test/lab/newest/**',
            // CI runs it on the newest docker.
            'test/lab/services-convergence.test.ts',
          ],
          globalSetup: [
            'test/support/setup-build.ts',
            'test/support/setup-compose.ts',
            'test/lab/support/setup-lab.ts',
          ],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      ...enginesFor(process.env['ENGINES']).map(({ project: name, files }) => ({
        extends: true as const,
        test: {
          name,
          // Beside the lab and each other: none waits for another's last file.
          sequence: { groupOrder: 3 },
          include: [...files],
          globalSetup: [
            'test/support/setup-build.ts',
            'test/support/setup-compose.ts',
            'test/lab/support/setup-lab.ts',
          ],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      })),
    ],
  },
});
