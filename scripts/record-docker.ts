// Records what newer dockers answer, for test/cases/docker. Linux, root. It starts a lab for each.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { observeCommand, surveyCommand } from '../src/docker/commands.ts';
import { Docker } from '../src/docker/docker.ts';
import { startStep } from '../src/docker/steps.ts';
import { specHash } from '../src/docker/hash.ts';
import { labels } from '../src/docker/names.ts';
import { startLab } from '../test/lab/support/lab.ts';
import { remoteOnLab } from '../test/lab/support/services.ts';
import type { HostSystem } from '../test/lab/support/system.ts';
import {
  recordedApp,
  recordedImage,
  recordedWanted,
  recordingFile,
  type RecordedDocker,
} from '../test/support/recorded.ts';
import { service } from '../test/support/services.ts';

const systems: Readonly<Partial<Record<RecordedDocker, HostSystem>>> = {
  '26.1': { release: 'trixie', init: 'simple', store: 'overlay2' },
  '28.5': { release: 'sid', init: 'simple', store: 'overlay2' },
  '28.5-containerd': { release: 'sid', init: 'simple', store: 'containerd' },
};

const host = 'h1';

for (const [docker, system] of Object.entries(systems) as [RecordedDocker, HostSystem][]) await record(docker, system);

async function record(version: RecordedDocker, system: HostSystem): Promise<void> {
  const lab = await startLab({ name: `record-${process.pid}`, hosts: 1, system });
  try {
    const remote = remoteOnLab(lab, host);
    const docker = new Docker(remote);
    const image = await lab.publish('shop/app', '1.4', { APP_VERSION: '1.4' });
    await lab.docker(host, ['pull', '--quiet', image]);
    await lab.docker(host, ['network', 'create', 'backend']);
    const create = async (name: string, written: object): Promise<void> => {
      const made = service({ ...written, image }, name);
      await docker.create(made, name, {
        [labels.play]: 'web',
        [labels.service]: name,
        [labels.image]: recordedImage,
        [labels.specHash]: specHash(service({ ...written, image: recordedImage }, name)),
      });
      await docker.carryOut([startStep(name)]);
    };
    await create('app', recordedApp);
    await create('health', { ports: ['8081:8080'] });
    await lab.docker(host, ['create', '--name=by-hand', image]);
    while ((await docker.inspect(['app'])).get('app')?.state.health !== 'healthy') await sleep(200);
    const record = async (answer: 'survey.txt' | 'observe.txt', argv: readonly string[]): Promise<void> => {
      const { exitCode, stdout, stderr } = await remote.exec(argv, { timeoutMs: 60_000 });
      if (exitCode !== 0) throw new Error(`docker ${version}: ${stderr}`);
      const file = recordingFile(version, answer);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, stdout.replaceAll(lab.registry, 'registry.example.com'));
    };
    await record('survey.txt', surveyCommand);
    await record('observe.txt', observeCommand({ ...recordedWanted, images: [image] }));
    process.stdout.write(`docker ${version}: recorded\n`);
  } finally {
    await lab.close();
  }
}
