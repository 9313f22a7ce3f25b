import { afterAll, beforeAll, describe } from 'vitest';
import { startSandboxFleet, type SandboxFleet } from '../support/sandbox-fleet.ts';
import { secretTests } from '../support/secrets.ts';

describe('secrets on the sandbox', () => {
  let fleet: SandboxFleet | undefined;
  beforeAll(async () => {
    fleet = await startSandboxFleet({ hosts: 2 });
  });
  afterAll(() => fleet?.close());
  secretTests(() => {
    if (fleet === undefined) throw new Error('the sandbox is started before the tests');
    return fleet;
  });
});
