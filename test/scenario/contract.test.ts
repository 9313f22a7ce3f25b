import { afterAll, beforeAll, describe } from 'vitest';
import { contractTests } from '../support/contract.ts';
import { startSandboxFleet, type SandboxFleet } from '../support/sandbox-fleet.ts';

describe('the sandbox', () => {
  let fleet: SandboxFleet | undefined;
  beforeAll(async () => {
    fleet = await startSandboxFleet({ hosts: 6 });
  });
  afterAll(() => fleet?.close());
  contractTests(() => {
    if (fleet === undefined) throw new Error('the sandbox is started before the tests');
    return fleet;
  });
});
