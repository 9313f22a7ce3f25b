import type { Value } from '../model/host.ts';
import type { ModuleTask, SettledTask } from '../model/task.ts';
import type { CommandResult, Query } from './query.ts';
import { ask, type TaskWorld } from './world.ts';

/** A variable that is read from the host whenever a task names it, unless a task has registered one of that name. */
interface HostFact {
  readonly query: Query;
  read(answer: CommandResult): Value;
}

/** Debian's and SUSE's files, then what dnf and zypper say; `no` where nobody has an opinion. */
const rebootScript = `
for file in /run/reboot-required /var/run/reboot-required /run/reboot-needed; do
  [ ! -e "$file" ] || { echo yes; exit; }
done
if command -v needs-restarting >/dev/null 2>&1; then
  needs-restarting -r >/dev/null 2>&1
  [ "$?" -ne 1 ] || { echo yes; exit; }
elif command -v zypper >/dev/null 2>&1; then
  zypper --non-interactive needs-rebooting >/dev/null 2>&1
  [ "$?" -ne 102 ] || { echo yes; exit; }
fi
echo no`.trim();

const hostFacts: Readonly<Record<string, HostFact>> = {
  reboot_required: {
    query: { kind: 'command', argv: ['sh', '-c', rebootScript, 'rollout-reboot-required'] },
    read: ({ exitCode, stdout, stderr }) => {
      const word = stdout.trim();
      if (exitCode === 0 && (word === 'yes' || word === 'no')) return word === 'yes';
      throw new Error(`whether the host needs a reboot cannot be read: ${stderr.trim() || `exit code ${exitCode}`}`);
    },
  },
};

/** Names of variables that are read from the host. */
export const hostFactNames: readonly string[] = Object.keys(hostFacts);

/** Those that a text with templates and expressions names. */
export function factsNamedIn(text: string): readonly string[] {
  return hostFactNames.filter((name) => new RegExp(`\\b${name}\\b`).test(text));
}

/** What has to be asked for the facts of a task. */
export function factQueries({ facts = [] }: ModuleTask): readonly Query[] {
  return facts.flatMap((name) => hostFacts[name]?.query ?? []);
}

/** As whoever the connection's own user is, on the host itself. */
export const ofTheHost: SettledTask = {
  name: 'facts',
  params: undefined,
  environment: {},
  become: undefined,
  becomeUser: undefined,
  delegateTo: undefined,
  label: undefined,
  ignoreErrors: false,
  checkMode: undefined,
  diff: undefined,
};

/** Reads the facts that a task names, as they are now. @throws Error where the host cannot tell */
export async function learnFacts(task: ModuleTask, world: TaskWorld): Promise<void> {
  const { memory } = world;
  for (const name of task.facts ?? []) {
    const fact = hostFacts[name];
    if (fact === undefined || !memory.mayLearn(name)) continue;
    const user = world.userOf(ofTheHost);
    const found = await ask(
      [fact.query],
      async (argv, options) => (await world.host(task, ofTheHost)).run(argv, options),
      {
        of: memory,
        user,
      },
    );
    if (fact.query.kind === 'command') memory.learn(name, fact.read(found.command(fact.query.argv)));
  }
}
