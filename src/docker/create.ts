import { Secret } from '../model/secret.ts';
import type { Canonical, Service } from '../model/service.ts';
import type { CreateSink, FileAccess } from '../service/key.ts';
import { filesFolder } from '../service/keys/mounts.ts';
import { Inspected } from '../service/inspected.ts';
import { serviceKeys } from '../service/table.ts';
import { fingerprint } from './hash.ts';
import type { Container } from './observed.ts';

/** A file that must lie on the host before the container is created. */
export interface HostFile extends FileAccess {
  /** Absolute; named after the content, so that another content is another mount. */
  readonly path: string;
  readonly content: string | Secret;
}

/** A service as `docker create` takes it. */
export interface CreateOptions {
  /** One word each: `--name=value`. */
  readonly options: readonly string[];
  /** What follows the image. */
  readonly words: readonly string[];
  /** For `--env-file /dev/stdin`: `NAME=value` lines. Holds secrets: it goes to the channel's stdin and nowhere else. */
  readonly envFile: string;
  /** Names of the variables that are secrets. */
  readonly secretNames: readonly string[];
  /** Every network that it joins. */
  readonly networks: readonly string[];
  /** Networks to connect before the start: docker 20.10 takes one at create. */
  readonly connect: readonly { readonly network: string; readonly options: readonly string[] }[];
  readonly files: readonly HostFile[];
}

/** Longest line that docker reads of an env file. */
const envLineBytes = 64 * 1024;

/**
 * The options of `docker create` for a service.
 * Variables go through the env file on stdin, secret or not: a process list then shows none of them, and a long
 * environment does not meet the 128 KiB that sshd's shell takes. An env file has no way to write a line break, so that
 * a plain value with several lines is an option; a secret one was refused when the service was parsed.
 */
export function createOptions(service: Service): CreateOptions {
  const options: string[] = [];
  const words: string[] = [];
  const envLines: string[] = [];
  const secretNames: string[] = [];
  const networks: string[] = [];
  const connect: { network: string; options: string[] }[] = [];
  const files: HostFile[] = [];
  const sink: CreateSink = {
    option: (name, value) => void options.push(value === undefined ? `--${name}` : `--${name}=${value}`),
    words: (more) => void words.push(...more),
    environment: (name, value) => {
      const line = `${name}=${value instanceof Secret ? value.reveal() : value}`;
      if (value instanceof Secret) secretNames.push(name);
      if (fitsEnvFile(line)) envLines.push(line);
      else if (value instanceof Secret) throw new Error(`the secret ${value.name} does not fit an env file`);
      else options.push(`--env=${line}`);
    },
    network: (name, settings) => {
      const flags = settings.map(([option, value]) => `--${option}=${value}`);
      networks.push(name);
      if (networks.length > 1) connect.push({ network: name, options: flags });
      else
        options.push(
          `--network=${name}`,
          ...flags.map((flag) => flag.replace(/^--(?=alias=|driver-opt=)/, '--network-')),
        );
    },
    file: (key, content, access) => {
      const path = hostFilePath(service, key, content, access);
      files.push({ path, content, ...access });
      return path;
    },
  };
  for (const { name, container } of serviceKeys) {
    const value: Canonical | undefined = service.spec[name];
    if (value !== undefined) container?.create(value, sink);
  }
  const envFile = envLines.map((line) => `${line}\n`).join('');
  return { options, words, envFile, secretNames, networks, connect, files };
}

/** Where a file lies on the host: other content or other permissions are another path, and so another mount. */
export function hostFilePath({ name }: Service, ...[key, content, access]: Parameters<CreateSink['file']>): string {
  const { mode, uid, gid } = access;
  return `${filesFolder}/${name}/${key}-${fingerprint(content, `${mode}:${uid}:${gid}:`)}`;
}

/** Whether a container has files of ours. */
export function mountsFiles({ inspect }: Container): boolean {
  return new Inspected(inspect).items('Mounts').some((mount) => mount.text('Source').startsWith(`${filesFolder}/`));
}

function fitsEnvFile(line: string): boolean {
  return !/[\n\r]/.test(line) && Buffer.byteLength(line) < envLineBytes;
}
