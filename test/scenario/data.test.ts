import { afterAll, beforeAll, describe } from 'vitest';
import { dataTests } from '../support/data-contract.ts';
import { startSandboxFleet, type SandboxFleet } from '../support/sandbox-fleet.ts';

describe('data on the sandbox', () => {
  let fleet: SandboxFleet | undefined;
  beforeAll(async () => {
    fleet = await startSandboxFleet({ hosts: 2 });
  });
  afterAll(() => fleet?.close());
  dataTests(() => {
    if (fleet === undefined) throw new Error('the sandbox is started before the tests');
    return fleet;
  });
});
