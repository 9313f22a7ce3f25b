import { startLab } from './lab.ts';
import { difference, processesOf, readMachineState, stillRunning } from './machine-state.ts';
import { machineSystem, prepareRoot, type HostSystem } from './system.ts';

export interface Round {
  readonly bootMs: number;
  readonly downMs: number;
  /** Processes that the lab had right before it was removed. */
  readonly processes: number;
  /** What it left behind, or took away: none, if all is well. */
  readonly leftovers: readonly string[];
}

/** Boots a lab, runs a container with a volume and a network on every host, removes the lab, and looks at what is left. */
export async function upAndDown(name: string, hosts: number, system: HostSystem = machineSystem): Promise<Round> {
  // Not counted: it is the machine's from then on.
  if (system.release !== 'machine') await prepareRoot(system.release, () => undefined);
  const before = await readMachineState();
  const started = Date.now();
  const lab = await startLab({ name, hosts, system });
  const bootMs = Date.now() - started;
  const image = await lab.publish('shop/app', '1.0');
  await Promise.all(
    lab.hosts.map(async (host) => {
      await lab.docker(host, ['network', 'create', 'backend']);
      const options = [
        '--restart',
        'always',
        '--publish',
        '8080:8080',
        '--volume',
        'data:/data',
        '--network',
        'backend',
      ];
      await lab.docker(host, ['run', '--detach', '--name', 'app', ...options, image]);
    }),
  );
  const processes = await processesOf(name);
  const downFrom = Date.now();
  await lab.close();
  const downMs = Date.now() - downFrom;
  const left = (await stillRunning(processes)).map((process) => `+ processes: ${process}`);
  const leftovers = [...left, ...difference(before, await readMachineState(), name)];
  return { bootMs, downMs, processes: processes.length, leftovers };
}
