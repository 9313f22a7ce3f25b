import * as z from 'zod';
import { flag, must, text, wholeNumber } from '../../schema/values.ts';
import { assertDone } from '../apply.ts';
import { done, failed, taskModule, type Diff, type Result, type TaskHost, type Verdict } from '../module.ts';
import type { Found, Query } from '../query.ts';
import { aptScript, parseApt, type PackageChange } from './apt-script.ts';

const package_ = text.refine((name) => /^[A-Za-z0-9.+:~*-]+(?:=[\w.+:~*-]+)?$/.test(name), {
  error: "must be a package's name, as nginx or nginx=1.22.*",
});

/** A name, a list of them, or several with commas, as Ansible takes them. */
export const packageNames = z
  .union([text, z.array(text, must('a list of names'))], must('a name or a list of names'))
  .transform((names) => [names].flat().flatMap((name) => name.split(',').map((each) => each.trim())))
  .pipe(z.array(package_).min(1, must('a name')));

const schema = () =>
  z
    .strictObject(
      {
        name: packageNames
          .optional()
          .describe('Packages: a name or a list of them; with a version as nginx=1.22.*, where * stands for anything.'),
        state: z
          .enum(['present', 'latest', 'absent'], must('present, latest or absent'))
          .default('present')
          .describe('present: there, in whatever version; latest: in the newest; absent: removed.'),
        update_cache: flag.default(false).describe('Read the package lists anew first, where they may matter.'),
        cache_valid_time: wholeNumber
          .optional()
          .describe('Seconds for which the lists count as new; it implies update_cache.'),
        upgrade: z
          .union([z.boolean(), z.enum(['no', 'yes', 'safe', 'dist', 'full'])], must('no, yes, safe, full or dist'))
          .default('no')
          .transform((how) => (how === false ? 'no' : how === true ? 'yes' : how))
          .describe('Every package: yes and safe remove none, full and dist may.'),
        autoremove: flag.default(false).describe('Remove packages that nothing needs any more.'),
        autoclean: flag.default(false).describe('Remove downloaded packages that can no longer be had.'),
        purge: flag.default(false).describe('With absent: their configuration too.'),
        install_recommends: flag.optional().describe('With those that are recommended; by default as the host has it.'),
        only_upgrade: flag.default(false).describe('Install none that is not there yet.'),
        allow_downgrade: flag.default(false).describe('A version may be older than what is there.'),
        default_release: text.optional().describe('The release that they come from.'),
        dpkg_options: text
          .default('force-confdef,force-confold')
          .describe('Of dpkg, with commas: by default a configuration that was changed stays as it is.'),
        lock_timeout: wholeNumber.default(60).describe('Seconds that another apt is waited for.'),
      },
      must('a mapping with name, upgrade or update_cache'),
    )
    .refine(({ name, upgrade }) => name === undefined || upgrade === 'no', {
      error: 'must have name or upgrade, and not both',
    })
    .refine(
      ({ name, upgrade, update_cache: update, cache_valid_time: valid, autoremove, autoclean }) =>
        name !== undefined || upgrade !== 'no' || update || valid !== undefined || autoremove || autoclean,
      { error: 'must have name, upgrade, update_cache, autoremove or autoclean' },
    );
export type AptParams = z.output<ReturnType<typeof schema>>;
/** What `apt` is asked for by another module. */
export const aptParams = (input: z.input<ReturnType<typeof schema>>): AptParams => schema().parse(input);

export const aptModule = taskModule({
  name: 'apt',
  doc: 'Packages of Debian and Ubuntu. The plan says what apt-get itself would do, by the package lists that the host has. Where every package is as it should be, nothing is done, and the lists are not read anew.',
  schema,
  observe: (params) => [aptQuery(params)],
  plan: (params, found) => planApt(params, found),
});

/** What there is to know before. */
export const aptQuery = (params: AptParams): Query => ({ kind: 'command', argv: aptCommand('read', params) });

function aptCommand(how: 'read' | 'do', params: AptParams): readonly string[] {
  const { name: names = [], state, upgrade, purge, autoremove, autoclean } = params;
  const { install_recommends: recommends, default_release: release } = params;
  const options = [
    `-oDPkg::Lock::Timeout=${params.lock_timeout}`,
    ...params.dpkg_options.split(',').map((option) => `-oDpkg::Options::=--${option.trim()}`),
    ...(recommends === undefined ? [] : [`-oAPT::Install-Recommends=${String(recommends)}`]),
    ...(release === undefined ? [] : [`--target-release=${release}`]),
    ...(params.only_upgrade ? ['--only-upgrade'] : []),
    ...(params.allow_downgrade ? ['--allow-downgrades'] : []),
    ...(autoremove && names.length > 0 ? ['--auto-remove'] : []),
  ];
  const cleanup = [...(autoremove && names.length === 0 ? ['autoremove'] : []), ...(autoclean ? ['autoclean'] : [])];
  return [
    ...['sh', '-c', aptScript, 'rollout-apt', how, state === 'absent' && purge ? 'purged' : state],
    ...[upgradeWords[upgrade], updates(params) ? 'yes' : 'no', String(params.cache_valid_time ?? 0), cleanup.join(',')],
    ...options,
    '--',
    ...names,
  ];
}

const upgradeWords = { no: 'no', yes: 'safe', safe: 'safe', full: 'dist', dist: 'dist' } as const;

const updates = (params: AptParams): boolean => params.update_cache || params.cache_valid_time !== undefined;

export function planApt(params: AptParams, found: Found): Verdict {
  const answer = found.command(aptCommand('read', params));
  if (answer.exitCode !== 0) return failed(answer.stderr.trim() || `exit code ${answer.exitCode}`);
  const now = parseApt(answer.stdout);
  const isOld = updates(params) && now.ageSeconds > (params.cache_valid_time ?? 0);
  const apply = (host: TaskHost): Promise<Result> => applyApt(params, host);
  if (now.changes.length > 0 && now.error === undefined)
    return { kind: 'change', result: {}, diff: packagesDiff(now.changes), apply };
  // New lists may have what these have not.
  const isByLists = params.upgrade !== 'no' || params.state === 'latest' || now.error !== undefined;
  if (isOld && isOnlyUpdate(params)) return { kind: 'change', result: { cache_updated: true }, apply };
  if (isOld && isByLists) return { kind: 'act', why: 'what is new shows once the package lists are read anew', apply };
  if (now.error !== undefined) return failed(now.error);
  return done({ changed: false, cache_updated: false });
}

const isOnlyUpdate = ({ name, upgrade, autoremove, autoclean }: AptParams): boolean =>
  name === undefined && upgrade === 'no' && !autoremove && !autoclean;

async function applyApt(params: AptParams, host: TaskHost): Promise<Result> {
  const answer = await host.run(aptCommand('do', params));
  assertDone(answer);
  const { changes, isUpdated, output, error } = parseApt(answer.stdout);
  const result: Result = {
    changed: changes.length > 0 || (isUpdated && isOnlyUpdate(params)),
    cache_updated: isUpdated,
    stdout: output,
    stderr: '',
  };
  return error === undefined ? result : { ...result, failed: true, msg: error };
}

/** Packages by name, before and after. */
export function packagesDiff(changes: readonly PackageChange[]): Diff {
  const list = (which: 'from' | 'to'): string =>
    changes.flatMap((change) => (change[which] === undefined ? [] : [`${change.name} ${change[which]}\n`])).join('');
  return { path: 'packages', before: list('from'), after: list('to') };
}
