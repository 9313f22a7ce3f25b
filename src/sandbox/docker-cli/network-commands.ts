import type { DockerCommand } from './context.ts';
import { pairs } from './create-options.ts';
import type { Json, JsonObject } from '../docker/spec.ts';
import { parseFlags, UsageError, type Flags } from './flags.ts';
import { byClient, forEachReference, requireArguments } from './references.ts';

const createNetwork: DockerCommand = (context, argv) => {
  const flags = parseFlags('network create', argv, {
    booleans: ['internal', 'attachable', 'ipv6', 'ingress'],
    values: [
      'driver:d',
      'label',
      'opt:o',
      'subnet',
      'gateway',
      'ip-range',
      'aux-address',
      'ipam-driver',
      'ipam-opt',
      'scope',
    ],
  });
  const [name] = flags.args;
  if (name === undefined || flags.args.length > 1) {
    throw new UsageError(
      '"docker network create" requires exactly 1 argument.\nSee \'docker network create --help\'.',
      1,
    );
  }
  const network = context.engine.networks.create({
    name,
    driver: flags.get('driver') ?? 'bridge',
    labels: pairs(flags.all('label')),
    options: pairs(flags.all('opt')),
    internal: flags.isSet('internal'),
    attachable: flags.isSet('attachable'),
    ipv6: flags.isSet('ipv6'),
    ipam: parseIpam(flags),
    createdAtMs: context.engine.clock.now(),
  });
  context.stdout(`${network.id}\n`);
  return Promise.resolve(0);
};

/** One pool: docker's further ones need as many of every option. */
function parseIpam(flags: Flags): JsonObject {
  const pool: Record<string, Json> = {};
  for (const [flag, key] of Object.entries({ subnet: 'Subnet', 'ip-range': 'IPRange', gateway: 'Gateway' })) {
    const value = flags.get(flag);
    if (value !== undefined) pool[key] = value;
  }
  if (flags.has('aux-address')) pool['AuxiliaryAddresses'] = pairs(flags.all('aux-address'));
  const ipam: Record<string, Json> = {};
  const driver = flags.get('ipam-driver');
  if (driver !== undefined) ipam['Driver'] = driver;
  if (flags.has('ipam-opt')) ipam['Options'] = pairs(flags.all('ipam-opt'));
  if (Object.keys(pool).length > 0) ipam['Config'] = [pool];
  return ipam;
}

const removeNetwork: DockerCommand = async (context, argv) => {
  const { args } = parseFlags('network rm', argv, { booleans: ['force:f'] });
  requireArguments('network rm', args);
  const failed = await forEachReference(
    context,
    args,
    (reference) => {
      context.engine.networks.remove(reference, ({ name }) =>
        context.engine.containers.some((container) => container.networks.has(name) && container.running),
      );
      return reference;
    },
    byClient,
  );
  return failed.length === 0 ? 0 : 1;
};

const connect: DockerCommand = (context, argv) => {
  const flags = parseFlags('network connect', argv, { values: ['alias', 'ip', 'ip6', 'link', 'driver-opt'] });
  requireArguments('network connect', flags.args, 2);
  const [name = '', reference = ''] = flags.args;
  if (context.engine.networks.find(name) === undefined) {
    throw new UsageError(`Error response from daemon: network ${name} not found`, 1);
  }
  context.engine
    .container(reference)
    .networks.set(name, { aliases: flags.all('alias'), ipv4: flags.get('ip'), endpointId: '' });
  return Promise.resolve(0);
};

const disconnect: DockerCommand = (context, argv) => {
  const flags = parseFlags('network disconnect', argv, { booleans: ['force:f'] });
  requireArguments('network disconnect', flags.args, 2);
  const [name = '', reference = ''] = flags.args;
  const container = context.engine.container(reference);
  if (!container.networks.delete(name)) {
    throw new UsageError(
      `Error response from daemon: container ${container.id} is not connected to network ${name}`,
      1,
    );
  }
  return Promise.resolve(0);
};

const createVolume: DockerCommand = (context, argv) => {
  const flags = parseFlags('volume create', argv, { values: ['driver:d', 'label', 'opt:o', 'name'] });
  const name = flags.args[0] ?? flags.get('name');
  if (name === undefined) throw new UsageError('the sandbox creates no volumes without a name', 1);
  context.engine.volumes.ensure(name, context.engine.clock.now(), {
    driver: flags.get('driver') ?? 'local',
    labels: pairs(flags.all('label')),
    options: pairs(flags.all('opt')),
  });
  context.stdout(`${name}\n`);
  return Promise.resolve(0);
};

const removeVolume: DockerCommand = async (context, argv) => {
  const flags = parseFlags('volume rm', argv, { booleans: ['force:f'] });
  const { args } = flags;
  requireArguments('volume rm', args);
  const failed = await forEachReference(
    context,
    args,
    (name) => {
      if (flags.isSet('force') && context.engine.volumes.find(name) === undefined) return name;
      const users = context.engine.containers.filter(({ mounts }) => mounts.some(({ source }) => source === name));
      context.engine.volumes.remove(
        name,
        users.map(({ id }) => id),
      );
      return name;
    },
    byClient,
  );
  return failed.length === 0 ? 0 : 1;
};

export const networkCommands = {
  'network create': createNetwork,
  'network rm': removeNetwork,
  'network connect': connect,
  'network disconnect': disconnect,
};
export const volumeCommands = { 'volume create': createVolume, 'volume rm': removeVolume };
