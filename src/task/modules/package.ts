import * as z from 'zod';
import { must } from '../../schema/values.ts';
import { assertDone } from '../apply.ts';
import { done, failed, taskModule, type Result, type TaskHost, type Verdict } from '../module.ts';
import type { Found, Query } from '../query.ts';
import { aptParams, aptQuery, packageNames, planApt } from './apt.ts';
import { changePackagesScript, packagesScript, type PackageVerb } from './package-script.ts';

const schema = () =>
  z.strictObject(
    {
      name: packageNames.describe('Packages: a name or a list of them, as the host calls them.'),
      state: z
        .enum(['present', 'latest', 'absent'], must('present, latest or absent'))
        .default('present')
        .describe('present: there, in whatever version; latest: in the newest; absent: removed.'),
    },
    must('a mapping with name'),
  );
type Params = z.output<ReturnType<typeof schema>>;

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

const otherQuery = ({ name }: Params): Query & { readonly kind: 'command' } => ({
  kind: 'command',
  argv: ['sh', '-c', packagesScript, 'rollout-packages', ...name],
});

function planOther(params: Params, found: Found): Verdict {
  const { exitCode, stdout, stderr } = found.command(otherQuery(params).argv);
  if (exitCode !== 0) return failed(stderr.trim() || `exit code ${exitCode}`);
  const manager = /^manager (\w+)$/m.exec(stdout)?.[1];
  if (manager === undefined) return failed('the host does not say what installs its packages');
  const there = new Set([...stdout.matchAll(/^there (.+)$/gm)].map(([, name = '']) => name));
  const { state, name: names } = params;
  const step = (verb: PackageVerb, some: readonly string[]): readonly Step[] =>
    some.length === 0 ? [] : [{ manager, verb, names: some }];
  const present = names.filter((name) => there.has(name));
  const install = step(
    'install',
    names.filter((name) => !there.has(name)),
  );
  const steps = state === 'absent' ? step('remove', present) : install;
  if (state === 'latest' && steps.length === 0)
    return {
      kind: 'act',
      why: 'whether there is something newer shows when it is asked for',
      apply: (host) => carryOutSteps(step('upgrade', present), host),
    };
  if (steps.length === 0) return done({ changed: false });
  const upgrade = state === 'latest' ? step('upgrade', present) : [];
  return { kind: 'change', result: {}, apply: (host) => carryOutSteps([...steps, ...upgrade], host) };
}

interface Step {
  readonly manager: string;
  readonly verb: PackageVerb;
  readonly names: readonly string[];
}

/** `changed` is what the host's own list of packages says. @throws Error with what the manager says */
async function carryOutSteps(steps: readonly Step[], host: TaskHost): Promise<Result> {
  let stdout = '';
  let changed = false;
  for (const { manager, verb, names } of steps) {
    const answer = await host.run(['sh', '-c', changePackagesScript, 'rollout-packages', manager, verb, ...names]);
    assertDone(answer);
    const lines = answer.stdout.trimEnd().split('\n');
    const said = lines.pop();
    if (said !== 'changed' && said !== 'same') throw new Error(`${manager} was not heard to its end`);
    changed ||= said === 'changed';
    stdout += lines.map((line) => `${line}\n`).join('');
  }
  return { changed, stdout, stderr: '' };
}
