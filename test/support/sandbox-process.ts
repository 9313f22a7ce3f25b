/**
 * A sandbox in a process of its own, so that its cost is not the controller's, and a killed controller does not take
 * it along: `tsx test/support/sandbox-process.ts '{"hosts":1000}'`. Speaks the lines of sandbox-commands.ts on stdin
 * and stdout, and ends with its stdin.
 */
import { createInterface } from 'node:readline';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { methodsOf, type Answer, type Call, type SandboxProcessOptions } from './sandbox-commands.ts';

const say = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

const sandbox = await startSandbox(JSON.parse(process.argv[2] ?? '{"hosts":6}') as SandboxProcessOptions);
const methods = methodsOf(sandbox) as Record<string, (...args: readonly unknown[]) => unknown>;
const { hosts, dir, inventoryFile, frontendUrl, statsUrl } = sandbox;
say({ ready: { hosts, dir, inventoryFile, frontendUrl, statsUrl, registry: sandbox.registry.address } });

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => void answer(JSON.parse(line) as Call));
lines.once('close', () => void sandbox.close().then(() => process.exit(0)));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => lines.close());

async function answer({ id, method, args }: Call): Promise<void> {
  try {
    say({ id, result: await methods[method]?.(...args) });
  } catch (error) {
    say({ id, error: error instanceof Error ? error.message : String(error) });
  }
}
