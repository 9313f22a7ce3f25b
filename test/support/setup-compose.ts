import type { TestProject } from 'vitest/node';
import { composeV2 } from './compose-v2.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of a docker-compose 2.x for `inject('composeV2')`; empty where there is none, and what needs it is skipped. */
    composeV2: string;
    /** The same for the newest one, which files are compared with. */
    composeNewest: string;
  }
}

/** Puts a docker-compose 2.x at hand. Without it what compares with it is skipped, loudly; in CI that is a failure. */
export default async function setup(project: TestProject): Promise<void> {
  try {
    project.provide('composeV2', await composeV2());
    project.provide('composeNewest', await composeV2('sid'));
  } catch (error) {
    const why = `docker-compose 2.x cannot be fetched: ${error instanceof Error ? error.message : String(error)}`;
    if (process.env['CI'] === 'true') throw new Error(why, { cause: error });
    process.stderr.write(`\n*** What is compared with docker-compose 2.x is SKIPPED: ${why} ***\n\n`);
    project.provide('composeV2', '');
    project.provide('composeNewest', '');
  }
}
