import type { Room } from '../docker/observed.ts';
import { someOf } from '../model/alike.ts';
import { formatDuration } from '../model/duration.ts';
import type { HostDesired } from '../model/service.ts';
import { lackOfRoom } from './room.ts';
import type { HostFinding } from './status-model.ts';

/** The areas that `rollout doctor` looks at, in the order in which they matter. */
export const areas = [
  'connection',
  'host key',
  'login',
  'sudo',
  'shell',
  'tools',
  'docker',
  'clock',
  'disk',
  'limits',
  'forwarding',
  'ports',
  'plan',
  'registry',
  'balancer',
  'drain',
] as const;

export type Area = (typeof areas)[number];

/** Something that a run would stumble over, or that is worth knowing before it. */
export interface Finding {
  readonly level: 'error' | 'warning';
  readonly area: Area;
  /** Undefined where it is about no host. */
  readonly host?: string;
  readonly play?: string;
  readonly message: string;
  /** What to type or change. */
  readonly fix?: string;
  /** The host does not answer, or its docker does not: nothing is wrong with the configuration. */
  readonly isAway?: true;
  /** Nothing behind its area could be asked of this host. */
  readonly isEnd?: true;
}

/** What the commands of a checkup have told of one host. */
export interface HostAnswers {
  readonly host: string;
  /** The host's clock minus the controller's, in milliseconds; 0 within what the answer took. */
  readonly skewMs: number;
  /** `docker info`. */
  readonly info: Readonly<Record<string, unknown>>;
  readonly missingTools: readonly string[];
  /** `manglingShell`: the login shell, where it has changed the words of a command. `noise`: what a login prints by itself. */
  readonly login: { readonly manglingShell?: string; readonly noise: string };
  readonly room: Room | undefined;
}

const areaOfReason: Readonly<Record<string, Area>> = {
  host_key_unknown: 'host key',
  host_key_changed: 'host key',
  host_key_revoked: 'host key',
  auth_failed: 'login',
  config: 'login',
  become_failed: 'sudo',
  channel_refused: 'shell',
  forwarding_refused: 'forwarding',
};
const connectionReasons: ReadonlySet<string> = new Set([
  'unreachable',
  'handshake_failed',
  'connection_lost',
  'timeout',
]);

/** Reasons that no host being down explains. */
const configurationReasons: ReadonlySet<string> = new Set([
  'host_key_unknown',
  'host_key_changed',
  'host_key_revoked',
  'config',
  'forwarding_refused',
]);

/** A host, or something of it, that could not be asked. `reason`: the kind of its error. */
export function failedFinding(host: string, error: { reason: string; message: string; hint?: string }): Finding {
  const { reason, message, hint } = error;
  const area = areaOfReason[reason] ?? (connectionReasons.has(reason) ? 'connection' : 'docker');
  return {
    level: 'error',
    area,
    host,
    message,
    ...(hint === undefined ? {} : { fix: hint }),
    ...(configurationReasons.has(reason) ? {} : { isAway: true }),
    // Forwarding is asked beside everything else, which needs none.
    ...(area === 'forwarding' ? {} : { isEnd: true }),
  };
}

/** What a host's own answers say. */
export function hostFindings(answers: HostAnswers, desired: readonly HostDesired[]): readonly Finding[] {
  const { host } = answers;
  return [
    ...shellFindings(answers),
    ...toolFindings(answers),
    ...versionFindings(answers),
    ...clockFindings(answers),
    ...roomFindings(answers),
    ...limitFindings(answers, desired),
  ].map((finding) => ({ host, ...finding }));
}

/** Of one host, whose name is put to it afterwards. */
export type Own = Omit<Finding, 'host'>;

function shellFindings({ login: { manglingShell, noise } }: HostAnswers): readonly Own[] {
  const found: Own[] = [];
  if (manglingShell !== undefined)
    found.push({
      level: 'error',
      area: 'shell',
      message: `the login shell ${manglingShell} changes the words of a command`,
      fix: 'Give the user another shell: chsh -s /bin/sh USER. Look for a ForceCommand in sshd_config, and for command= in authorized_keys.',
    });
  if (noise.trim() !== '')
    found.push({
      level: 'warning',
      area: 'shell',
      message: `a login script prints ${JSON.stringify(noise.trim().slice(0, 80))} in sessions without a terminal; rollout passes it over, scp and rsync do not`,
      fix: 'Let it print only on a terminal: begin ~/.bashrc with [ -t 1 ] || return',
    });
  return found;
}

function toolFindings({ missingTools }: HostAnswers): readonly Own[] {
  if (missingTools.length === 0) return [];
  return [
    {
      level: 'error',
      area: 'tools',
      message: `there is no ${missingTools.join(', no ')} command`,
      fix: 'Install util-linux, coreutils, grep and findutils, or busybox.',
    },
  ];
}

/** The oldest docker that rollout is tried on. */
const oldestDocker = [20, 10] as const;

function versionFindings({ info }: HostAnswers): readonly Own[] {
  const version = typeof info['ServerVersion'] === 'string' ? info['ServerVersion'] : '';
  const [, major = '', minor = ''] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  const isOld =
    Number(major) < oldestDocker[0] || (Number(major) === oldestDocker[0] && Number(minor) < oldestDocker[1]);
  if (!isOld) return [];
  return [
    {
      level: 'warning',
      area: 'docker',
      message: `docker ${version || 'of an unknown version'} is older than ${oldestDocker.join('.')}, the oldest that rollout is tried on`,
      fix: 'Upgrade docker.',
    },
  ];
}

/** From here on times in logs of hosts cannot be put beside each other. */
const noticeableSkewMs = 5000;

function clockFindings({ skewMs }: HostAnswers): readonly Own[] {
  if (Math.abs(skewMs) < noticeableSkewMs) return [];
  const words = `${formatDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'}`;
  return [
    {
      level: 'warning',
      area: 'clock',
      message: `its clock is ${words} this machine's: times of its containers and logs do not fit those of others`,
      fix: 'Have it set by the network: timedatectl set-ntp true',
    },
  ];
}

function roomFindings({ room }: HostAnswers): readonly Own[] {
  const lack = lackOfRoom(room);
  if (lack === undefined) return [];
  const at = lack.indexOf('. Make room');
  return [{ level: 'error', area: 'disk', message: lack.slice(0, at), fix: `${lack.slice(at + 2)}.` }];
}

/** Keys of a service, and what docker says of the kernel behind them. */
const limits: readonly (readonly [key: string, ofInfo: string])[] = [
  ['mem_limit', 'MemoryLimit'],
  ['memswap_limit', 'SwapLimit'],
  ['pids_limit', 'PidsLimit'],
  ['cpus', 'CpuCfsQuota'],
];

function limitFindings({ info }: HostAnswers, desired: readonly HostDesired[]): readonly Own[] {
  return limits.flatMap(([key, ofInfo]): Own[] => {
    const services = desired.flatMap((each) => each.services.filter(({ spec }) => spec[key] !== undefined));
    if (services.length === 0 || info[ofInfo] !== false) return [];
    const names = someOf(new Set(services.map(({ name }) => name)));
    return [
      {
        level: 'warning',
        area: 'limits',
        message: `docker cannot hold ${key} of ${names} here: the kernel has no ${ofInfo} (cgroup v${info['CgroupVersion'] === '2' ? 2 : 1})`,
        fix: 'Boot the host with that controller, as cgroup_enable=memory swapaccount=1, or leave the key out.',
      },
    ];
  });
}

/** What a look at a host has found that a run would stumble over. */
export function lookFindings(found: HostFinding): readonly Finding[] {
  if (found.kind === 'unreachable') return [failedFinding(found.host, { ...found, reason: found.reason })];
  const { host, plan, troubles, lock } = found;
  return [
    ...plan.errors.map((message): Finding => ({ level: 'error', area: 'plan', host, message })),
    ...troubles.map((message): Finding => ({ level: 'error', area: 'registry', host, message })),
    ...(lock === undefined
      ? []
      : [{ level: 'warning', area: 'plan', host, message: `locked by ${lock.holder}` } satisfies Finding]),
  ];
}

/** What a run would end with: 2 where something is to be changed, 4 where hosts or their docker do not answer. */
export function verdictOf(findings: readonly Finding[]): 'good' | 'away' | 'wrong' {
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.length === 0) return 'good';
  return errors.every(({ isAway }) => isAway === true) ? 'away' : 'wrong';
}
