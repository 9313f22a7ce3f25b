import type { Clock } from '../../src/model/clock.ts';
import { plainWords } from '../../src/sandbox/terminal/plain-words.ts';
import { runDocker } from '../../src/sandbox/docker-cli/docker.ts';
import { Engine } from '../../src/sandbox/docker/engine.ts';
import type { RegistryImage } from '../../src/sandbox/docker/image.ts';
import { scaleDelays, systemClock, type Delays } from '../../src/sandbox/timing.ts';

/** A sandbox engine without a host around it, with one image `t:1`: busybox, running `sleep 1000`. It is at once where no delay is given. */
export function engineWithBusybox(clock: Clock = systemClock, delays: Partial<Delays> = {}): Engine {
  const engine = new Engine({
    hostname: 'h1',
    clock,
    delays: { ...scaleDelays(0), ...delays },
    images: { resolve: () => Promise.resolve({ error: 'no registry' }) },
  });
  engine.images.add(busybox, { registry: 'docker.io', repository: 't', tag: '1', written: 't:1' });
  return engine;
}

const busybox: RegistryImage = {
  config: {
    Env: ['APP_VERSION=1'],
    Entrypoint: ['/bin/busybox'],
    Cmd: ['sleep', '1000'],
    ExposedPorts: {},
    Volumes: {},
    Labels: { a: 'b' },
  },
  createdAt: '2026-11-21T00:35:51.219816638Z',
  configText: '{}',
  configDigest: `sha256:${'8'.repeat(64)}`,
  manifestText: '{}',
  manifestDigest: `sha256:${'6'.repeat(64)}`,
};

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a line that begins with `docker`. */
export async function docker(engine: Engine, line: string, stdin = ''): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const argv = plainWords(line);
  if (argv?.[0] !== 'docker') throw new Error(`not a docker command: ${line}`);
  const exitCode = await runDocker(
    {
      engine,
      machine: { cpus: 2, memoryBytes: 25_276_514_304 },
      logins: new Map(),
      readFile: () => undefined,
      stdinText: undefined,
      readSome: () => Promise.resolve(undefined),
      readStdin: () => Promise.resolve(Buffer.from(stdin)),
      isHungUp: () => false,
      stdinEnded: Promise.resolve(),
      stdout: (text) => void (stdout += text),
      stderr: (text) => void (stderr += text),
      signal: new AbortController().signal,
    },
    argv.slice(1),
  );
  return { exitCode, stdout, stderr };
}
