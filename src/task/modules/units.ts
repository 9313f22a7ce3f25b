import * as z from 'zod';
import { flag, must, text } from '../../schema/values.ts';
import { carryOut } from '../apply.ts';
import { done, failed, taskModule, type Result, type Verdict } from '../module.ts';
import type { Found, Query } from '../query.ts';

const name = text.refine((value) => /^[\w@.:\\+-]+$/.test(value) && !value.startsWith('-'), must("a unit's name"));

const shared = {
  state: z
    .enum(['started', 'stopped', 'restarted', 'reloaded'], must('started, stopped, restarted or reloaded'))
    .optional()
    .describe('started and stopped: so it is left where it is so; restarted and reloaded: at every run.'),
  enabled: flag.optional().describe('Whether it starts with the host.'),
};

const serviceSchema = () =>
  z
    .strictObject({ name: name.describe('The service.'), ...shared }, must('a mapping with name'))
    .refine(({ state, enabled }) => state !== undefined || enabled !== undefined, {
      error: 'must have state or enabled',
    });

const systemdSchema = () =>
  z
    .strictObject(
      {
        name: name.optional().describe('The unit; without a suffix a service.'),
        ...shared,
        masked: flag.optional().describe('Whether nothing may start it.'),
        daemon_reload: flag
          .default(false)
          .describe('Units are read anew where their files have changed; with a name only where its own has.'),
        scope: z
          .enum(['system', 'user'], must('system or user'))
          .default('system')
          .describe("user: of the task's user, whose session must be there."),
        no_block: flag.default(false).describe('It is not waited for.'),
      },
      must('a mapping with name or daemon_reload'),
    )
    .refine(({ name: unit, daemon_reload: reloads }) => unit !== undefined || reloads, {
      error: 'must have name or daemon_reload',
    })
    .refine(
      ({ name: unit, state, enabled, masked }) => unit !== undefined || (state ?? enabled ?? masked) === undefined,
      {
        error: 'must have name with state, enabled or masked',
      },
    );
type Params = z.output<ReturnType<typeof systemdSchema>>;

/** Lines `NAME=VALUE`, as `systemctl show` prints them; `Manager` says whose they are, `Enabled` is an exit code. */
const unitScript = `
scope=$1 unit=$2
if [ -d /run/systemd/system ] || [ "$scope" = --user ]; then
  echo Manager=systemd
  systemctl "$scope" show -p LoadState -p ActiveState -p UnitFileState -p NeedDaemonReload -- "$unit" || exit
  systemctl "$scope" is-enabled -- "$unit" >/dev/null 2>&1
  echo "Enabled=$?"
  exit
fi
[ -x "/etc/init.d/$unit" ] || { printf 'Manager=init\\nLoadState=not-found\\n'; exit; }
if command -v rc-service >/dev/null 2>&1; then
  echo Manager=openrc
  rc-service "$unit" status >/dev/null 2>&1
  [ "$?" -eq 0 ] && echo ActiveState=active || echo ActiveState=inactive
  rc-update show default 2>/dev/null | grep -q "^ *$unit |"
  echo "Enabled=$?"
else
  echo Manager=init
  "/etc/init.d/$unit" status >/dev/null 2>&1
  [ "$?" -eq 0 ] && echo ActiveState=active || echo ActiveState=inactive
  ls /etc/rc[2345].d/S[0-9][0-9]"$unit" >/dev/null 2>&1
  echo "Enabled=$?"
fi
echo LoadState=loaded`.trim();

const queryOf = (unit: string, scope: Params['scope']): Query & { readonly kind: 'command' } => ({
  kind: 'command',
  argv: ['sh', '-c', unitScript, 'rollout-unit', `--${scope}`, unit],
});

export const systemdModule = taskModule({
  name: 'systemd',
  doc: 'A unit of systemd: whether it runs, starts with the host, or may be started at all.',
  schema: systemdSchema,
  observe: ({ name: unit, scope }) => (unit === undefined ? [] : [queryOf(unit, scope)]),
  plan: (params, found) => {
    if (params.name !== undefined) return planUnit(params, params.name, found);
    return {
      kind: 'act',
      why: 'units are read anew',
      apply: (host) =>
        carryOut(host, [['systemctl', `--${params.scope}`, 'daemon-reload']]).then(() => ({ changed: false })),
    };
  },
});

export const serviceModule = taskModule({
  name: 'service',
  doc: 'A service of the host, whatever starts them: systemd, OpenRC or scripts of init.',
  schema: serviceSchema,
  observe: ({ name: unit }) => [queryOf(unit, 'system')],
  plan: (params, found) =>
    planUnit(
      { ...params, masked: undefined, daemon_reload: false, scope: 'system', no_block: false },
      params.name,
      found,
    ),
});

function planUnit(params: Params, unit: string, found: Found): Verdict {
  const { exitCode, stdout, stderr } = found.command(queryOf(unit, params.scope).argv);
  const facts = new Map([...stdout.matchAll(/^(\w+)=(.*)$/gm)].map(([, key = '', value = '']) => [key, value]));
  if (exitCode !== 0) return failed(stderr.trim() || `exit code ${exitCode}`, { name: unit });
  const isMasked = facts.get('LoadState') === 'masked' || facts.get('UnitFileState')?.startsWith('masked') === true;
  if (facts.get('LoadState') === 'not-found' && facts.get('UnitFileState') !== 'masked')
    return failed(`Could not find the requested service ${unit}: host`, { name: unit });
  const manager = facts.get('Manager') ?? '';
  const isEnabled = facts.get('Enabled') === '0';
  const isActive = ['active', 'activating', 'reloading'].includes(facts.get('ActiveState') ?? '');
  const verb = verbOf(params.state, isActive);
  const enables = params.enabled === undefined || params.enabled === isEnabled ? undefined : params.enabled;
  const systemctl = ['systemctl', `--${params.scope}`, ...(params.no_block ? ['--no-block'] : [])];
  const commands: (readonly string[])[] = [];
  const masks = params.masked === undefined || params.masked === isMasked ? undefined : params.masked;
  if (masks !== undefined) commands.push([...systemctl, masks ? 'mask' : 'unmask', '--', unit]);
  if (enables !== undefined) commands.push(enableCommand(manager, enables, unit, systemctl));
  if (verb !== undefined)
    commands.push(
      manager === 'systemd'
        ? [...systemctl, verb, '--', unit]
        : manager === 'openrc'
          ? ['rc-service', unit, verb]
          : [`/etc/init.d/${unit}`, verb],
    );
  const reloads = params.daemon_reload && (commands.length > 0 || facts.get('NeedDaemonReload') === 'yes');
  const result: Result = {
    name: unit,
    ...(params.state === undefined ? {} : { state: params.state === 'stopped' ? 'stopped' : 'started' }),
    ...(params.enabled === undefined ? {} : { enabled: params.enabled }),
  };
  if (commands.length === 0 && !reloads) return done({ changed: false, ...result });
  const all = [...(reloads ? [[...systemctl, 'daemon-reload']] : []), ...commands];
  // Ansible: to read units anew is no change.
  return {
    kind: 'change',
    result: { ...result, changed: commands.length > 0 },
    apply: (host) => carryOut(host, all).then(() => ({})),
  };
}

function verbOf(state: Params['state'], isActive: boolean): string | undefined {
  switch (state) {
    case 'started':
      return isActive ? undefined : 'start';
    case 'stopped':
      return isActive ? 'stop' : undefined;
    case 'restarted':
      return 'restart';
    case 'reloaded':
      return isActive ? 'reload' : 'start';
    case undefined:
      return undefined;
  }
}

function enableCommand(
  manager: string,
  enables: boolean,
  unit: string,
  systemctl: readonly string[],
): readonly string[] {
  if (manager === 'systemd') return [...systemctl, enables ? 'enable' : 'disable', '--', unit];
  if (manager === 'openrc') return ['rc-update', enables ? 'add' : 'del', unit, 'default'];
  return ['update-rc.d', unit, enables ? 'defaults' : 'disable'];
}
