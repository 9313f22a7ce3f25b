import type { DockerEvent } from '../docker/events.ts';
import type { JsonObject } from '../docker/spec.ts';
import { timestamp } from '../timing.ts';
import type { DockerCommand } from './context.ts';
import { parseFlags, UsageError } from './flags.ts';
import { moment } from './moment.ts';
import { renderTemplate } from './template.ts';

const serverVersion = '20.10.24+dfsg1';

const info: DockerCommand = (context, argv) => {
  const { engine, machine } = context;
  const template = parseFlags('info', argv, { values: ['format:f'] }).get('format');
  const running = engine.containers.filter((container) => container.running).length;
  const document: JsonObject = {
    ID: 'SAND:BOXX:SAND:BOXX:SAND:BOXX:SAND:BOXX:SAND:BOXX:SAND:BOXX',
    Containers: engine.containers.length,
    ContainersRunning: running,
    ContainersPaused: 0,
    ContainersStopped: engine.containers.length - running,
    Images: engine.images.all().length,
    Driver: 'overlay2',
    MemoryLimit: true,
    SwapLimit: true,
    SystemTime: timestamp(engine.clock.now()),
    LoggingDriver: 'json-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: '1',
    OperatingSystem: 'rollout sandbox',
    OSType: 'linux',
    Architecture: 'x86_64',
    NCPU: machine.cpus,
    MemTotal: machine.memoryBytes,
    DockerRootDir: '/var/lib/docker',
    Name: engine.hostname,
    Labels: [],
    ServerVersion: serverVersion,
    LiveRestoreEnabled: false,
    Warnings: null,
  };
  context.stdout(
    template === undefined
      ? `Server:\n Containers: ${engine.containers.length}\n Server Version: ${serverVersion}\n Name: ${engine.hostname}\n`
      : `${renderTemplate(template, document)}\n`,
  );
  return Promise.resolve(0);
};

const version: DockerCommand = (context, argv) => {
  const template = parseFlags('version', argv, { values: ['format:f'] }).get('format');
  const common = { Version: serverVersion, ApiVersion: '1.41', Os: 'linux', Arch: 'amd64' };
  context.stdout(`${renderTemplate(template ?? '{{.Server.Version}}', { Client: common, Server: common })}\n`);
  return Promise.resolve(0);
};

/** Past events from `--since`, then new ones: until `--until`, the end of stdin or of the daemon. */
const events: DockerCommand = async (context, argv) => {
  const { engine } = context;
  const flags = parseFlags('events', argv, { values: ['since', 'until', 'filter:f', 'format'] });
  const filters = flags.all('filter').map(eventFilter);
  const template = flags.get('format');
  const show = (event: DockerEvent) => {
    if (!filters.every((filter) => filter(event))) return;
    context.stdout(`${template === undefined ? eventText(event) : renderTemplate(template, eventDocument(event))}\n`);
  };
  const nowMs = engine.clock.now();
  if (flags.has('since')) {
    for (const event of engine.events.since(moment(flags.get('since') ?? '', nowMs))) show(event);
  }
  if (flags.has('until')) return 0;
  const ended = new AbortController();
  void context.stdinEnded.then(() => ended.abort());
  await engine.events.follow(show, AbortSignal.any([context.signal, ended.signal]));
  return 0;
};

function eventFilter(filter: string): (event: DockerEvent) => boolean {
  const [kind = '', ...rest] = filter.split('=');
  const wanted = rest.join('=');
  switch (kind) {
    case 'type':
      return () => wanted === 'container';
    case 'event':
      return ({ action }) => action === wanted || action.startsWith(`${wanted}:`);
    case 'container':
      return ({ id, name }) => name === wanted || id.startsWith(wanted);
    case 'label': {
      const [key = '', ...value] = rest;
      return ({ attributes }) =>
        value.length === 0 ? attributes[key] !== undefined : attributes[key] === value.join('=');
    }
    default:
      throw new UsageError(`Error response from daemon: Invalid filter '${kind}'`, 1);
  }
}

function eventText({ atMs, action, id, attributes }: DockerEvent): string {
  const details = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${timestamp(atMs)} container ${action} ${id} (${details.map(([key, value]) => `${key}=${value}`).join(', ')})`;
}

function eventDocument({ atMs, action, id, image, attributes }: DockerEvent): JsonObject {
  return {
    status: action,
    id,
    from: image,
    Type: 'container',
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: 'local',
    time: Math.floor(atMs / 1000),
    timeNano: atMs * 1e6,
  };
}

export const systemCommands = { info, version, events };
