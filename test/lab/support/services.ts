import { Readable } from 'node:stream';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Remote } from '../../../src/ssh/remote.ts';
import type { Lab } from './fleet.ts';
import { runOnHost } from './host.ts';

export type ComposeVersion = '1.29' | '2';

/** One service that both tools create. */
export interface ServiceCase {
  readonly name: string;
  readonly service: Readonly<Record<string, unknown>>;
  /** How a docker-compose writes the same; undefined where it cannot. */
  readonly compose: Readonly<Record<ComposeVersion, Readonly<Record<string, unknown>> | undefined>>;
  /** What inspect must show, by dotted path. */
  readonly inspect: Readonly<Record<string, unknown>>;
  /** First docker version that knows the key. */
  readonly docker: number;
  /** Last major version of the client that can say it to a daemon older than itself. */
  readonly client: number;
  /** Releases whose docker client drops the key without a word: 26.1 does so with limits of devices. */
  readonly lostBy: readonly string[];
  /** Settings that docker drops with a warning on this kernel. */
  readonly discarded: readonly string[];
}

interface WrittenCase {
  readonly service: Readonly<Record<string, unknown>>;
  readonly compose?: 'none' | Readonly<Record<string, unknown>>;
  readonly compose2?: 'none' | Readonly<Record<string, unknown>>;
  readonly inspect?: Readonly<Record<string, unknown>>;
  readonly docker?: number;
  readonly client?: number;
  readonly lost_by?: readonly string[];
  readonly discarded?: readonly string[];
}

export async function readServiceCases(): Promise<readonly ServiceCase[]> {
  const file = join(import.meta.dirname, '../../cases/services/services.yaml');
  const written = parse(await readFile(file, 'utf8')) as Readonly<Record<string, WrittenCase>>;
  return Object.entries(written).map(
    ([
      name,
      {
        service,
        compose,
        compose2,
        inspect = {},
        docker = 20,
        client = Infinity,
        lost_by: lostBy = [],
        discarded = [],
      },
    ]) => ({
      name,
      service,
      compose: {
        '1.29': compose === 'none' ? undefined : (compose ?? service),
        // The newer one follows the specification, as rollout does.
        '2': compose2 === 'none' ? undefined : (compose2 ?? service),
      },
      inspect,
      docker,
      client,
      lostBy,
      discarded,
    }),
  );
}

/** Keys that docker refuses, or drops with a warning, where the kernel has no memory and no cpu controller for it. */
export const limitKeys = [
  ...['mem_limit', 'mem_reservation', 'memswap_limit', 'mem_swappiness', 'oom_kill_disable', 'pids_limit', 'cpus'],
  ...['cpu_shares', 'cpu_quota', 'cpu_period', 'cpu_rt_runtime', 'cpu_rt_period', 'cpuset', 'blkio_config', 'deploy'],
];

/** Docker clients of this machine, which a lab's hosts share: version, and the folder that makes it the one that is found. */
export function dockerClients(): readonly (readonly [version: string, folder: string])[] {
  const programs = ['/usr/bin', '/usr/local/bin'].filter((folder) => existsSync(join(folder, 'docker')));
  return programs.map((folder) => {
    const said = execFileSync(join(folder, 'docker'), ['--version'], { encoding: 'utf8', timeout: 10_000 });
    return [/\d+\.\d+/.exec(said)?.[0] ?? said, folder];
  });
}

/**
 * A lab host as docker commands reach it, past SSH: what is tested is docker, not the way to it.
 * @param folder where `docker` is looked for first
 */
export function remoteOnLab(lab: Lab, host: string, folder = '/usr/bin'): Remote {
  const notHere = (): never => {
    throw new Error('only commands go this way');
  };
  return {
    host,
    exec: async (argv, { stdin = '', timeoutMs } = {}) => {
      if (stdin instanceof Readable) return notHere();
      const startedMs = Date.now();
      const result = await runOnHost(
        lab.settings,
        host,
        ['env', `PATH=${folder}:/usr/sbin:/usr/bin:/sbin:/bin`, ...argv],
        {
          input: stdin.toString(),
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
        },
      );
      return { ...result, durationMs: Date.now() - startedMs };
    },
    spawn: notHere,
    attach: notHere,
    openTcp: notHere,
    closed: new Promise(() => undefined),
    close: () => Promise.resolve(),
  };
}
