import * as z from 'zod';
import { containerKey, type ServiceKey } from '../key.ts';
import { sortedTexts, text, texts, unlessEmpty } from '../values.ts';
import { sameContainer } from './networks.ts';
import { sharedMode } from '../shared.ts';
import { flagKey, textKey, textsKey } from './simple.ts';

const capability = (name: string): string => name.toUpperCase().replace(/^CAP_/, '');
/** Docker takes `name=value` and `name:value`; without a value the name alone. */
const securityOption = (option: string): string =>
  option.includes('=') ? option.replace(/=true$/, '') : option.replace(':', '=').replace(/=true$/, '');

const longDevice = () =>
  z.strictObject(
    {
      source: text,
      target: text.optional(),
      permissions: z
        .string()
        .regex(/^[rwm]+$/, 'must be of r, w and m')
        .optional(),
    },
    { error: 'must be HOST_PATH[:CONTAINER_PATH[:rwm]], or a mapping with source, target and permissions' },
  );

/** What separates the container from the host, and what of the host it may touch. */
export const isolationKeys: readonly ServiceKey[] = [
  flagKey(
    'privileged',
    "Everything the host's root may do. Nearly never needed: see cap_add and devices.",
    'privileged',
    'HostConfig.Privileged',
  ),
  textsKey('cap_add', "Linux capabilities beyond docker's own set.", 'cap-add', 'HostConfig.CapAdd', {
    normalise: capability,
  }),
  textsKey(
    'cap_drop',
    "Linux capabilities taken from docker's own set; ALL for all.",
    'cap-drop',
    'HostConfig.CapDrop',
    { normalise: capability },
  ),
  containerKey<readonly string[], readonly string[]>({
    name: 'security_opt',
    doc: 'Options of seccomp, AppArmor and SELinux, and no-new-privileges. A seccomp profile is a file of the host.',
    schema: () => texts,
    canonical: (options) => unlessEmpty(sortedTexts(options.map(securityOption))),
    create: (options, sink) => options.forEach((option) => sink.option('security-opt', option)),
    read: (container, desired) => {
      // Docker itself switches SELinux off where the container shares the host's processes or is privileged.
      const own = (option: string): boolean => option !== 'label=disable' || desired?.includes(option) === true;
      return unlessEmpty(sortedTexts(container.texts('HostConfig.SecurityOpt').map(securityOption)).filter(own));
    },
  }),
  containerKey<readonly (string | z.infer<ReturnType<typeof longDevice>>)[], readonly string[]>({
    name: 'devices',
    doc: 'Devices of the host: HOST_PATH:CONTAINER_PATH:rwm, or mappings with source, target and permissions.',
    schema: () =>
      z.array(z.union([z.string(), longDevice()], { error: 'must be HOST_PATH[:CONTAINER_PATH[:rwm]]' }), {
        error: 'must be a list of devices',
      }),
    canonical: (written, scope) =>
      unlessEmpty(
        sortedTexts(
          written.map((item, index) => {
            const [source = '', second, third] =
              typeof item === 'string' ? item.split(':') : [item.source, item.target, item.permissions];
            const isMode = third === undefined && second !== undefined && /^[rwm]+$/.test(second);
            if (!source.startsWith('/') && !source.includes('=')) {
              scope.problem(
                [index],
                `must begin with a path of the host, as /dev/ttyUSB0; got ${JSON.stringify(source)}`,
              );
            }
            // A CDI name, vendor/class=device, is no path and has no place in the container.
            if (!source.startsWith('/')) return source;
            return device(source, isMode ? source : (second ?? source), (isMode ? second : third) ?? 'rwm');
          }),
        ),
      ),
    create: (devices, sink) => devices.forEach((item) => sink.option('device', item)),
    read: (container) =>
      unlessEmpty(
        sortedTexts(
          container
            .items('HostConfig.Devices')
            .map((item) =>
              device(item.text('PathOnHost'), item.text('PathInContainer'), item.text('CgroupPermissions')),
            ),
        ),
      ),
  }),
  textsKey(
    'device_cgroup_rules',
    'Rules of the device cgroup, as `c 1:3 mr`.',
    'device-cgroup-rule',
    'HostConfig.DeviceCgroupRules',
  ),
  namespaceKey(
    'ipc',
    'Shared memory: `private`, `shareable`, `none`, `host`, or `service:NAME` or `container:NAME`.',
    'HostConfig.IpcMode',
    ['private', 'shareable', 'none', 'host'],
    'private',
  ),
  namespaceKey(
    'pid',
    "Processes: `host` to see the host's, or `service:NAME` or `container:NAME`.",
    'HostConfig.PidMode',
    ['host'],
    '',
  ),
  namespaceKey('uts', "Names: `host` to share the host's.", 'HostConfig.UTSMode', ['host'], ''),
  containerKey<string, string>({
    name: 'cgroup',
    doc: "The cgroup namespace: `private` or `host`. The default is the host's.",
    schema: () => z.enum(['private', 'host'], { error: 'must be private or host' }),
    canonical: (value) => value,
    create: (value, sink) => sink.option('cgroupns', value),
    read: (container, desired) =>
      desired === undefined ? undefined : container.text('HostConfig.CgroupnsMode') || undefined,
  }),
  textKey(
    'cgroup_parent',
    'The cgroup under which the container gets its own.',
    'cgroup-parent',
    'HostConfig.CgroupParent',
  ),
  textKey('userns_mode', "`host` to go without the daemon's user namespace.", 'userns', 'HostConfig.UsernsMode'),
  containerKey<string, string>({
    name: 'runtime',
    doc: 'The OCI runtime, as the daemon knows it; its default otherwise.',
    schema: () => text,
    blank: 'default',
    canonical: (runtime) => runtime,
    create: (runtime, sink) => sink.option('runtime', runtime),
    read: (container, desired) => {
      const runtime = container.text('HostConfig.Runtime');
      return runtime === '' || (runtime === 'runc' && desired !== runtime) ? undefined : runtime;
    },
  }),
];

function device(source: string, target: string, permissions: string): string {
  return `${source}:${target}:${['r', 'w', 'm'].filter((mode) => permissions.includes(mode)).join('')}`;
}

/** A Linux namespace that is the container's own unless it is shared. */
function namespaceKey(name: string, doc: string, path: string, modes: readonly string[], ordinary: string): ServiceKey {
  return containerKey<string, string>({
    name,
    doc,
    schema: () => text,
    blank: 'default',
    canonical: (written, scope) => {
      if (name !== 'uts' && sharedMode.test(written)) return written;
      if (!modes.includes(written)) {
        const forms = name === 'uts' ? modes : [...modes, 'service:NAME', 'container:NAME'];
        scope.problem([], `must be ${forms.join(', ')}; got ${JSON.stringify(written)}`);
      }
      return written;
    },
    create: (mode, sink) => sink.option(name, mode),
    read: (container, desired) => {
      const mode = container.text(path);
      if (mode === '' || (mode === ordinary && desired !== mode)) return undefined;
      return sameContainer(mode, desired);
    },
  });
}
