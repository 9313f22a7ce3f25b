// A controller of its own, to be killed: takes the lock of a host, says so, and holds it.
// Arguments: port, user, key file, known_hosts file, home folder, run id.
import { setTimeout as wait } from 'node:timers/promises';
import { createConnector } from '../../src/ssh/connect.ts';
import { acquireLock } from '../../src/ssh/lock.ts';

const [port, user = '', privateKeyFile = '', userKnownHostsFile = '', homeDir = '', run = ''] = process.argv.slice(2);
const clock = {
  now: () => Date.now(),
  sleep: (delayMs: number, signal?: AbortSignal) => wait(delayMs, undefined, signal === undefined ? {} : { signal }),
};
const connector = createConnector({
  acceptNew: false,
  env: {},
  homeDir,
  sshConfigFile: 'none',
  clock,
  random: Math.random,
});
const remote = await connector.connect({
  name: 'h1',
  groups: [],
  vars: {},
  connection: { kind: 'ssh', address: '127.0.0.1', port: Number(port), user, privateKeyFile, userKnownHostsFile },
});
await acquireLock(remote, { run, user, controller: 'test', since: Date.now() }, 0, clock).then(
  () => process.stdout.write('held\n'),
  (error: unknown) => {
    process.stdout.write(`${String(error)}\n`);
    process.exit(6);
  },
);
