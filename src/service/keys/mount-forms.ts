import * as z from 'zod';
import type { Canonical } from '../../model/service.ts';
import type { KeyScope } from '../key.ts';
import { flag, size, text } from '../values.ts';

/** One mount, by what it mounts. Fields that are docker's defaults are left out. */
export interface Mount extends Readonly<Record<string, Canonical>> {
  /** `bind`: a path of the host. `volume`: a named volume, or a new anonymous one without `source`. */
  readonly type: 'bind' | 'volume' | 'tmpfs';
}

/** Octal digits, as docker takes them. YAML has read those of a number already: 0755 is 493. */
const fileMode = () =>
  z
    .union([z.int().min(0).max(0o7777), z.string().regex(/^[0-7]{1,5}$/)], {
      error: 'must be octal digits such as 0755',
    })
    .transform((mode) => (typeof mode === 'number' ? mode.toString(8) : mode.replace(/^0+(?=.)/, '')));

export const longForm = () =>
  z.strictObject(
    {
      type: z.enum(['bind', 'volume', 'tmpfs'], { error: 'must be bind, volume or tmpfs' }),
      // Nothing, as from an empty variable, makes the volume anonymous.
      source: z.string({ error: 'must be text' }).optional(),
      target: text,
      read_only: flag.optional(),
      consistency: text.optional(),
      bind: z
        .strictObject({
          propagation: z.enum(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']).optional(),
          create_host_path: flag.optional(),
          selinux: z.enum(['z', 'Z'], { error: 'must be z or Z' }).optional(),
        })
        .optional(),
      volume: z.strictObject({ nocopy: flag.optional(), subpath: text.optional() }).optional(),
      tmpfs: z.strictObject({ size: size.optional(), mode: fileMode().optional() }).optional(),
    },
    { error: 'must be SOURCE:TARGET[:OPTIONS], or a mapping with type, source and target' },
  );
export type LongForm = z.infer<ReturnType<typeof longForm>>;

/** `SOURCE:TARGET[:OPTIONS]`; undefined, with the problem noted, where it is none. */
export function parseShort(
  written: string,
  index: number,
  scope: KeyScope,
): { target: string; mount: Mount } | undefined {
  const parts = written.split(':');
  if (parts.includes('')) {
    const hint = parts[0] === '' ? '. A variable in it may be empty' : '';
    scope.problem([index], `has nothing before or after a colon; got ${JSON.stringify(written)}${hint}`);
    return undefined;
  }
  const [source, target, options] =
    parts.length === 1 ? ['', parts[0] ?? '', ''] : [parts[0] ?? '', parts[1] ?? '', parts[2] ?? ''];
  if (parts.length > 3 || !target.startsWith('/')) {
    scope.problem(
      [index],
      `must be VOLUME:/path, /host/path:/path or /path, with options such as ro after a further colon; got ${JSON.stringify(written)}`,
    );
    return undefined;
  }
  if (!checkSource(source, source.includes('/') || /^[.~]/.test(source) ? 'bind' : 'volume', [index], scope))
    return undefined;
  const known = /^(?:rw|ro|z|Z|nocopy|r?(?:shared|slave|private)|cached|delegated|consistent)$/;
  const unknown = options.split(',').filter((option) => option !== '' && !known.test(option));
  if (unknown.length > 0)
    scope.problem(
      [index],
      `has an option that docker does not know: ${unknown.join(', ')}. Known are ro, rw, z, Z, nocopy and the propagations`,
    );
  return { target: cleanTarget(target), mount: shortMount(volumeName(source, scope), options.split(',')) };
}

/** What source and options of a short form say. */
export function shortMount(source: string, options: readonly string[]): Mount {
  const propagation = options.find((option) => /^r?(?:shared|slave|private)$/.test(option));
  const selinux = options.find((option) => option === 'z' || option === 'Z');
  return {
    type: source.startsWith('/') ? 'bind' : 'volume',
    ...(source === '' ? {} : { source: source.startsWith('/') ? cleanPath(source) : source }),
    ...(options.includes('ro') ? { read_only: true } : {}),
    ...(propagation === undefined || propagation === 'rprivate' ? {} : { propagation }),
    ...(selinux === undefined ? {} : { selinux }),
    ...(options.includes('nocopy') ? { nocopy: true } : {}),
  };
}

/** A mapping with type, source and target; undefined, with the problem noted, where its source is none. */
export function parseLong(
  written: LongForm,
  index: number,
  scope: KeyScope,
): { target: string; mount: Mount } | undefined {
  const { type, source = '', target, read_only, bind, volume, tmpfs } = written;
  if (!target.startsWith('/'))
    scope.problem([index, 'target'], `must be an absolute path in the container; got ${JSON.stringify(target)}`);
  if (type === 'bind' && source === '')
    scope.problem([index], 'is a bind mount without a source; write the path of the host');
  if (type === 'tmpfs' && source !== '') scope.problem([index, 'source'], 'means nothing for tmpfs; leave it out');
  for (const other of ['bind', 'volume', 'tmpfs'] as const) {
    // A volume may be labelled for SELinux too: `docker compose config` writes that under bind.
    const isLabel = type === 'volume' && other === 'bind' && Object.keys(bind ?? {}).every((key) => key === 'selinux');
    if (other !== type && written[other] !== undefined && !isLabel)
      scope.problem([index, other], `belongs to mounts of type ${other}; this one is of type ${type}`);
  }
  if (type !== 'tmpfs' && !checkSource(source, type, [index, 'source'], scope)) return undefined;
  const mount: Mount = {
    type,
    ...(source === '' ? {} : { source: type === 'bind' ? cleanPath(source) : volumeName(source, scope) }),
    ...(read_only === true ? { read_only: true } : {}),
    ...(bind?.propagation === undefined || bind.propagation === 'rprivate' ? {} : { propagation: bind.propagation }),
    ...(bind?.selinux === undefined ? {} : { selinux: bind.selinux }),
    ...(bind?.create_host_path === false ? { create_host_path: false } : {}),
    ...(volume?.nocopy === true ? { nocopy: true } : {}),
    ...(volume?.subpath === undefined ? {} : { subpath: volume.subpath }),
    ...(tmpfs?.size === undefined ? {} : { size: tmpfs.size }),
    ...(tmpfs?.mode === undefined ? {} : { mode: tmpfs.mode }),
  };
  return { target: cleanTarget(target), mount };
}

function checkSource(
  source: string,
  type: 'bind' | 'volume',
  path: readonly (string | number)[],
  scope: KeyScope,
): boolean {
  if (source === '') return true;
  const found = JSON.stringify(source);
  if (type === 'bind' && !source.startsWith('/')) {
    scope.problem(
      path,
      `must be an absolute path of the host; got ${found}. A file of the controller is brought with configs`,
    );
    return false;
  }
  if (type === 'volume' && !/^[A-Za-z0-9][\w.-]+$/.test(source)) {
    scope.problem(
      path,
      `is not a volume's name; got ${found}. Names have two or more letters, digits, dots, dashes or underscores`,
    );
    return false;
  }
  return true;
}

/** The play's volumes may have other names on the host. */
function volumeName(source: string, { context }: KeyScope): string {
  return context.volumeNames?.get(source) ?? source;
}

/** As docker cleans paths: no doubled slashes, no slash at the end. */
export function cleanPath(path: string): string {
  return path.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
}

/** The same for a path in the container, where docker also takes the steps that lead back. */
function cleanTarget(path: string): string {
  const steps: string[] = [];
  for (const step of path.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return `/${steps.join('/')}`;
}

/** The short form where it says all of a mount, else the long one. */
export function writtenMount(target: string, { type, source, read_only, ...rest }: Mount): string | object {
  const { propagation, selinux, nocopy, subpath, size: tmpfsSize, mode } = rest;
  const isShort = type !== 'tmpfs' && rest['create_host_path'] !== false && subpath === undefined;
  if (isShort && !`${typeof source === 'string' ? source : ''}${target}`.includes(':')) {
    const options = [
      ...(read_only === true ? ['ro'] : []),
      ...[propagation, selinux].filter((option) => typeof option === 'string'),
      ...(nocopy === true ? ['nocopy'] : []),
    ].join(',');
    const paths = typeof source === 'string' ? `${source}:${target}` : target;
    return options === '' ? paths : `${paths}:${options}`;
  }
  const bind = given({ propagation, create_host_path: rest['create_host_path'], selinux });
  const volume = given({ nocopy, subpath });
  const tmpfs = given({ size: tmpfsSize, mode });
  return given({ type, source, target, read_only, bind, volume, tmpfs }) ?? {};
}

function given(fields: Readonly<Record<string, unknown>>): object | undefined {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return set.length === 0 ? undefined : Object.fromEntries(set);
}
