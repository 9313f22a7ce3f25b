import * as z from 'zod';
import { must } from '../../schema/values.ts';
import { assertDone } from '../apply.ts';
import { done, failed, taskModule, type Result, type TaskHost, type Verdict } from '../module.ts';
import type { Found, Query } from '../query.ts';
import { aptParams, aptQuery, packageNames, planApt } from './apt.ts';

const schema = z.strictObject(
  {
    name: packageNames.describe('Packages: a name or a list of them, as the host calls them.'),
    state: z
      .enum(['present', 'latest', 'absent'], must('present, latest or absent'))
      .default('present')
      .describe('present: there, in whatever version; latest: in the newest; absent: removed.'),
  },
  must('a mapping with name'),
);
type Params = z.output<typeof schema>;

export const packageModule = taskModule({
  name: 'package',
  doc: 'Packages by whatever the host installs them with: apt, dnf, yum, zypper or apk. With apt the plan shows versions.',
  schema,
  observe: (params) => [aptQuery(aptParams(params)), otherQuery(params)],
  plan: (params, found) => {
    const apt = aptQuery(aptParams(params));
    const { exitCode } = apt.kind === 'command' ? found.command(apt.argv) : { exitCode: 1 };
    return exitCode === 0 ? planApt(aptParams(params), found) : planOther(params, found);
  },
});

/** `manager NAME`, then `there NAME` for every package that is. With apt nothing: that is asked apart. */
const packagesScript = `
! command -v apt-get >/dev/null 2>&1 || exit 0
for manager in dnf yum zypper apk; do
  command -v "$manager" >/dev/null 2>&1 || continue
  echo "manager $manager"
  for name; do
    if [ "$manager" = apk ]; then apk info -e "$name"; else rpm -q --whatprovides "$name"; fi >/dev/null 2>&1 && echo "there $name"
  done
  exit 0
done
echo 'the host has none of apt-get, dnf, yum, zypper and apk' >&2
exit 1`.trim();

const otherQuery = ({ name }: Params): Query & { readonly kind: 'command' } => ({
  kind: 'command',
  argv: ['sh', '-c', packagesScript, 'rollout-packages', ...name],
});

const verbs: Readonly<Record<string, Readonly<Record<Params['state'], readonly string[]>>>> = {
  dnf: { present: ['dnf', '-y', 'install'], latest: ['dnf', '-y', 'upgrade'], absent: ['dnf', '-y', 'remove'] },
  yum: { present: ['yum', '-y', 'install'], latest: ['yum', '-y', 'upgrade'], absent: ['yum', '-y', 'remove'] },
  zypper: {
    present: ['zypper', '--non-interactive', 'install'],
    latest: ['zypper', '--non-interactive', 'update'],
    absent: ['zypper', '--non-interactive', 'remove'],
  },
  apk: { present: ['apk', 'add'], latest: ['apk', 'add', '--upgrade'], absent: ['apk', 'del'] },
};

function planOther(params: Params, found: Found): Verdict {
  const { exitCode, stdout, stderr } = found.command(otherQuery(params).argv);
  if (exitCode !== 0) return failed(stderr.trim() || `exit code ${exitCode}`);
  const manager = verbs[/^manager (\w+)$/m.exec(stdout)?.[1] ?? ''];
  if (manager === undefined) return failed('the host does not say what installs its packages');
  const there = new Set([...stdout.matchAll(/^there (.+)$/gm)].map(([, name = '']) => name));
  const { state, name: names } = params;
  const missing = names.filter((name) => !there.has(name));
  if (state === 'absent') {
    const gone = names.filter((name) => there.has(name));
    return gone.length === 0 ? done({ changed: false }) : change([[...manager.absent, ...gone]]);
  }
  const install = missing.length === 0 ? [] : [[...manager.present, ...missing]];
  if (state === 'present') return install.length === 0 ? done({ changed: false }) : change(install);
  const upgrade = there.size === 0 ? [] : [[...manager.latest, ...there]];
  if (install.length > 0) return change([...install, ...upgrade]);
  return {
    kind: 'act',
    why: 'whether there is something newer shows when it is asked for',
    apply: async (host) => {
      const result = await run(upgrade, host);
      return {
        ...result,
        changed: !/nothing to do|No update candidate|is already up to date|^OK:/im.test(result.stdout),
      };
    },
  };
}

function change(commands: readonly (readonly string[])[]): Verdict {
  return { kind: 'change', result: {}, apply: (host) => run(commands, host) };
}

async function run(
  commands: readonly (readonly string[])[],
  host: TaskHost,
): Promise<Result & { readonly stdout: string }> {
  let stdout = '';
  for (const argv of commands) {
    const answer = await host.run(argv);
    assertDone(answer);
    stdout += answer.stdout;
  }
  return { stdout, stderr: '' };
}
