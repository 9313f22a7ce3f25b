import * as z from 'zod';
import { Secret } from '../../model/secret.ts';
import { flag, must, text, texts, wholeNumber } from '../../schema/values.ts';
import { assertDone, carryOut } from '../apply.ts';
import { done, failed, taskModule, type Result, type TaskHost, type Verdict } from '../module.ts';
import type { Found, Query } from '../query.ts';

const name = text.refine((value) => /^[A-Za-z_][\w.-]*\$?$/.test(value), must('a name of letters, digits, _, . and -'));
const groupName = z
  .union([z.string(), z.number().int()], must('a name or a number'))
  .transform(String)
  .refine((value) => /^[\w.-]+$/.test(value) && !value.startsWith('-'), must('a name or a number'));

const schema = () =>
  z
    .strictObject(
      {
        name: name.describe('The user.'),
        state: z
          .enum(['present', 'absent'], must('present or absent'))
          .default('present')
          .describe('Whether it is there.'),
        uid: wholeNumber.optional().describe('Its number.'),
        group: groupName.optional().describe('Its own group, which must be there.'),
        groups: texts
          .transform((list) => list.flatMap((each) => each.split(',').map((one) => one.trim())))
          .optional()
          .describe('Further groups, which must be there: these and no others, or with append these too.'),
        append: flag.default(false).describe('It stays in groups that are not named.'),
        comment: text.optional().describe('Its full name.'),
        shell: text.optional().describe('Its login shell.'),
        home: text.optional().describe('Its home folder.'),
        create_home: flag.default(true).describe('The home folder is made with the user.'),
        move_home: flag.default(false).describe('What is in the home folder moves with it.'),
        system: flag.default(false).describe('A new user is one of the system.'),
        password: z
          .union([text, z.instanceof(Secret)])
          .optional()
          .describe('The hash of its password, as /etc/shadow has it; it may be a secret. `!` locks it.'),
        update_password: z
          .enum(['always', 'on_create'], must('always or on_create'))
          .default('always')
          .describe('on_create: that of a user who is there stays.'),
        remove: flag.default(false).describe('With absent: its home folder goes too.'),
      },
      must('a mapping with name'),
    )
    .refine(({ password }) => password === undefined || /^[^:\s]*$/.test(reveal(password)), {
      error: 'must have a hash as password, as openssl passwd -6 makes it',
    });
type Params = z.output<ReturnType<typeof schema>>;

const reveal = (value: string | Secret): string => (value instanceof Secret ? value.reveal() : value);

/** Lines `passwd …`, `primary GROUP`, `groups A B`, `own` where a group has its name, `shadow …` where that is asked. */
const userScript = `
LC_ALL=C
passwd=$(getent passwd -- "$1") && {
  printf 'passwd %s\\n' "$passwd"
  printf 'primary %s\\n' "$(id -gn -- "$1")"
  printf 'groups %s\\n' "$(id -Gn -- "$1")"
  [ -z "$2" ] || printf 'shadow %s\\n' "$(getent shadow -- "$1" | cut -d : -f 2)"
}
! getent group -- "$1" >/dev/null || echo own
exit 0`.trim();

const queryOf = ({ name: user, password }: Params): Query & { readonly kind: 'command' } => ({
  kind: 'command',
  argv: ['sh', '-c', userScript, 'rollout-user', user, password === undefined ? '' : 'shadow'],
});

export const userModule = taskModule({
  name: 'user',
  doc: 'A user of the host, by useradd, usermod and userdel.',
  secrets: ['password'],
  schema,
  observe: (params) => [queryOf(params)],
  plan: (params, found) => planUser(params, found),
});

interface Account {
  readonly uid: string;
  readonly gid: string;
  readonly comment: string;
  readonly home: string;
  readonly shell: string;
  readonly primary: string;
  readonly groups: readonly string[];
  readonly hash: string | undefined;
}

function accountIn(stdout: string): Account | undefined {
  const lines = new Map(stdout.split('\n').map((line) => [line.split(' ', 1)[0] ?? '', line.replace(/^\S+ ?/, '')]));
  const passwd = lines.get('passwd');
  if (passwd === undefined) return undefined;
  const [, , uid = '', gid = '', comment = '', home = '', shell = ''] = passwd.split(':');
  const primary = lines.get('primary') ?? '';
  const groups = (lines.get('groups') ?? '').split(' ').filter((group) => group !== '' && group !== primary);
  return { uid, gid, comment, home, shell, primary, groups, hash: lines.get('shadow') };
}

function planUser(params: Params, found: Found): Verdict {
  const { exitCode, stdout, stderr } = found.command(queryOf(params).argv);
  if (exitCode !== 0) return failed(stderr.trim() || `exit code ${exitCode}`);
  const account = accountIn(stdout);
  const { name: user, state } = params;
  const result: Result = { name: user, state };
  if (state === 'absent') {
    if (account === undefined) return done({ changed: false, ...result });
    const argv = ['userdel', ...(params.remove ? ['-r'] : []), '--', user];
    return { kind: 'change', result, apply: (host) => carryOut(host, [argv]).then(() => ({})) };
  }
  const options = account === undefined ? newOptions(params, /^own$/m.test(stdout)) : changedOptions(params, account);
  const setsPassword =
    params.password !== undefined &&
    (account === undefined || (params.update_password === 'always' && account.hash !== reveal(params.password)));
  if (account !== undefined && options.length === 0 && !setsPassword)
    return done({ changed: false, ...result, uid: Number(account.uid), home: account.home, shell: account.shell });
  const commands =
    account === undefined
      ? [['useradd', ...options, '--', user]]
      : options.length === 0
        ? []
        : [['usermod', ...options, '--', user]];
  return {
    kind: 'change',
    result,
    apply: async (host) => {
      await carryOut(host, commands);
      if (setsPassword) await setPassword(params, host);
      return {};
    },
  };
}

async function setPassword({ name: user, password = '' }: Params, host: TaskHost): Promise<void> {
  // Through stdin: a hash in argv is there for everyone on the host to try passwords on.
  assertDone(await host.run(['chpasswd', '-e'], { stdin: `${user}:${reveal(password)}\n` }));
}

function newOptions(params: Params, isGroupThere: boolean): readonly string[] {
  const { uid, group, groups, comment, shell, home, create_home: makesHome, system } = params;
  return [
    ...(uid === undefined ? [] : ['-u', String(uid)]),
    // As Ansible: a group of its name is there already, so it is its own.
    ...(group !== undefined ? ['-g', group] : isGroupThere ? ['-N', '-g', params.name] : []),
    ...(groups === undefined || groups.length === 0 ? [] : ['-G', groups.join(',')]),
    ...(comment === undefined ? [] : ['-c', comment]),
    ...(home === undefined ? [] : ['-d', home]),
    ...(shell === undefined ? [] : ['-s', shell]),
    makesHome ? '-m' : '-M',
    ...(system ? ['-r'] : []),
  ];
}

function changedOptions(params: Params, account: Account): readonly string[] {
  const { uid, group, groups, comment, shell, home, append } = params;
  const lacks = groups?.filter((each) => !account.groups.includes(each) && each !== account.primary) ?? [];
  const surplus = append || groups === undefined ? [] : account.groups.filter((each) => !groups.includes(each));
  return [
    ...(uid === undefined || String(uid) === account.uid ? [] : ['-u', String(uid)]),
    ...(group === undefined || group === account.primary || group === account.gid ? [] : ['-g', group]),
    ...(lacks.length + surplus.length === 0 ? [] : [...(append ? ['-a'] : []), '-G', (groups ?? []).join(',')]),
    ...(comment === undefined || comment === account.comment ? [] : ['-c', comment]),
    ...(home === undefined || home === account.home ? [] : ['-d', home, ...(params.move_home ? ['-m'] : [])]),
    ...(shell === undefined || shell === account.shell ? [] : ['-s', shell]),
  ];
}
