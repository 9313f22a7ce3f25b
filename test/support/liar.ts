import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { mutate, randomOf } from './mutate.ts';

type Interposer = NonNullable<ReturnType<Sandbox['host']>['machine']['interpose']>;

/** How a host lies: in so many of a hundred answers, each drawn from the seed. */
export interface Lies {
  readonly seed: number;
  readonly percent: number;
}

const failures: readonly (readonly [exitCode: number, stderr: string])[] = [
  [1, 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n'],
  [1, 'Error response from daemon: containerd is not running: unknown\n'],
  [1, ''],
  [125, 'docker: Error response from daemon: ttrpc: closed: unknown.\n'],
  [137, ''],
  [1, 'error during connect: Post "http://%2Fvar%2Frun%2Fdocker.sock": EOF\n'],
  [1, 'Error response from daemon: device or resource busy\n'],
];

/**
 * Stands in docker's place on a host. A lie is one of these: the answer with something changed; nothing at all; a failure
 * of a command that was carried out, or was not; success of one that was not; a long time. The lock is not lied about: it
 * is no answer of docker's.
 */
export function liar({ seed, percent }: Lies, count: (kind: string) => void): Interposer {
  const random = randomOf(seed);
  return async (line, io, run) => {
    if (line.includes('rollout-lock') || random(100) >= percent) return run(io);
    const draw = random(100_000);
    switch (random(7)) {
      case 0:
      case 1: {
        count('changed');
        let stdout = '';
        let stderr = '';
        const quiet = {
          ...io,
          stdout: (text: string) => void (stdout += text),
          stderr: (text: string) => void (stderr += text),
        };
        const exitCode = await run(quiet);
        io.stdout(mutate(stdout, draw));
        io.stderr(draw % 2 === 0 ? stderr : mutate(stderr, draw));
        return draw % 5 === 0 ? draw % 3 : exitCode;
      }
      case 2:
        count('empty');
        await run({ ...io, stdout: () => undefined, stderr: () => undefined });
        return 0;
      case 3: {
        count('failed, though done');
        await run({ ...io, stdout: () => undefined, stderr: () => undefined });
        const [exitCode = 1, stderr = ''] = failures[draw % failures.length] ?? [];
        io.stderr(stderr);
        return exitCode;
      }
      case 4: {
        count('failed');
        const [exitCode = 1, stderr = ''] = failures[draw % failures.length] ?? [];
        io.stderr(stderr);
        return exitCode;
      }
      case 5:
        count('done, though not');
        return 0;
      default:
        count('late');
        await new Promise((resolve) => setTimeout(resolve, draw % 1500));
        return run(io);
    }
  };
}
