// Records what newer dockers answer, for test/cases/docker: record-docker [answers | pull] [DOCKER…]. Linux, root. It
// starts a lab for each.
import { createCipheriv } from 'node:crypto';
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
import { publishImage } from '../test/lab/support/image.ts';
import { startSlowRegistry } from '../test/lab/support/slow-registry.ts';
import { machineSystem, type HostSystem } from '../test/lab/support/system.ts';
import { tarOf } from '../test/lab/support/tar.ts';
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
  '29.1': { release: 'resolute', init: 'simple', store: 'overlay2' },
  '29.1-containerd': { release: 'resolute', init: 'simple', store: 'containerd' },
};

const host = 'h1';

const [what, ...chosen] = process.argv.slice(2);
const all = what === 'pull' ? { '20.10': machineSystem, ...systems } : systems;
for (const [docker, system] of Object.entries(all) as [RecordedDocker, HostSystem][])
  if (chosen.length === 0 || chosen.includes(docker)) await (what === 'pull' ? recordPull : record)(docker, system);

/** What docker prints while it brings an image over a slow line, into a file and onto a terminal. */
async function recordPull(version: RecordedDocker, system: HostSystem): Promise<void> {
  const lab = await startLab({ name: `record-${process.pid}`, hosts: 1, system });
  try {
    const remote = remoteOnLab(lab, host);
    const layers = [6, 3, 2, 0.5].map((megabytes, index) => layerOf(`${index}`, megabytes * 1e6));
    await publishImage(lab.settings, 'shop/app', '1.4');
    const { digest } = await publishImage(lab.settings, 'shop/app', '1.5', {}, { layers });
    await using slow = await startSlowRegistry(lab.settings, 1_500_000, 5055);
    const name = `${slow.host}/shop/app`;
    await lab.docker(host, ['pull', '--quiet', `${name}:1.4`]);
    const record = async (answer: 'pull.txt' | 'pull-terminal.txt', argv: readonly string[]): Promise<void> => {
      const { exitCode, stdout, stderr } = await remote.exec(argv, { timeoutMs: 120_000 });
      if (exitCode !== 0) throw new Error(`docker ${version}: ${stderr}`);
      await writeFile(recordingFile(version, answer), stdout.replaceAll(slow.host, 'registry.example.com'));
      await lab.docker(host, ['image', 'rm', `${name}@${digest}`]);
    };
    const pull = ['docker', 'pull', '--', `${name}@${digest}`];
    await record('pull.txt', pull);
    await record('pull-terminal.txt', ['script', '-qefc', pull.join(' '), '/dev/null']);
    process.stdout.write(`docker ${version}: pulls recorded\n`);
  } finally {
    await lab.close();
  }
}

/** A tar of bytes that always are the same, and that do not become less when they are packed. */
function layerOf(name: string, bytes: number): Buffer {
  const content = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16, name)).update(Buffer.alloc(bytes));
  return tarOf([{ kind: 'file', path: name, mode: 0o644, bytes: content }]);
}

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
