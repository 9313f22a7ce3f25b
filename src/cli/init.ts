import { basename } from 'node:path';
import type { Command } from 'commander';
import type { InitResult } from '../api/init/init.ts';
import { exitCodes } from '../events/exit-code.ts';
import { addConnectionOptions, addVaultOptions, collect } from './options.ts';
import type { Answers, InitFlags } from './init-questions.ts';
import { systemWorld, type World } from './world.ts';

export function registerInit(program: Command): void {
  const command = program
    .command('init')
    .description('write a starting project: inventory, playbook and composition; overwrites nothing, changes no host')
    .option(
      '--from-host <host>',
      'what runs on this host, [user@]host[:port], or a pattern of --from-ansible (repeatable)',
      collect,
      [],
    )
    .option('--from-compose <file>', 'a play that takes its services from this Compose file (repeatable)', collect, [])
    .option('--from-ansible <inventory>', 'use this inventory of Ansible as it is (repeatable)', collect, [])
    .option('--host <host>', 'a host of the new inventory, [user@]host[:port] (repeatable)', collect, [])
    .option('--group <group>', "the hosts' group; with --from-ansible a pattern of it")
    .option('--name <name>', "the project's name; the folder's by default")
    .option('--stage <stage>', 'what the files are called', 'prod')
    .option('--image <image>', 'of the first service')
    .option('--port <port>', 'that it publishes, as 8080 or 8080:80')
    .option('--balancer <url>', "HAProxy's statistics page (repeatable)", collect, [])
    .option('--backend <name>', 'the backend there', 'web')
    .option('-u, --user <name>', 'connect as this user')
    .option('--private-key <file>', 'authenticate with this key')
    .option('-b, --become', 'run commands with sudo', false);
  addConnectionOptions(addVaultOptions(command)).action(async (flags: InitFlags) => {
    process.exitCode = await initCommand(flags, systemWorld());
  });
}

/** Asks for what no flag says, where there is somebody to ask. @returns the exit code */
async function initCommand(flags: InitFlags, world: World): Promise<number> {
  const { initProject } = await import('../api/init/init.ts');
  const { readingHooks } = await import('./reading.ts');
  const { askWhatIsMissing } = await import('./init-questions.ts');
  const { textWriter } = await import('../render/output.ts');
  const answers = await askWhatIsMissing(flags, world);
  const hooks = readingHooks(world);
  const note = textWriter(world.stderr);
  const { stage, fromAnsible, fromCompose, fromHost, backend, become, forks, acceptNew, privateKey } = flags;
  const result = await initProject({
    ...hooks,
    ...answersOf(answers, flags, world),
    ...{ stage, fromAnsible, fromCompose, fromHosts: fromHost, forks, acceptNew },
    starter: {
      image: answers.image ?? 'registry.example.com/shop/app:1.0',
      port: answers.port ?? '8080',
      balancer: answers.balancer ?? flags.balancer,
      backend,
    },
    login: {
      become,
      ...(answers.user === undefined ? {} : { user: answers.user }),
      ...(privateKey === undefined ? {} : { privateKey }),
    },
    vaultPasswordFile: flags.vaultPasswordFile,
    askVaultPass: flags.askVaultPass ? hooks.askVaultPassword : undefined,
    onNotice: (host, message) => note(`${host}: ${message}\n`),
  });
  const { formatProblems } = await import('../render/problems.ts');
  textWriter(world.stdout)(formatResult(result));
  if (result.problems.length === 0) return exitCodes.done;
  note(formatProblems(result.problems));
  return exitCodes.usage;
}

function answersOf(
  answers: Answers,
  { fromAnsible }: InitFlags,
  { cwd }: World,
): { readonly name: string; readonly hosts: readonly string[]; readonly group: string } {
  return {
    name: answers.name ?? (basename(cwd) || 'shop'),
    hosts: answers.hosts,
    group: answers.group ?? (fromAnsible.length > 0 ? 'all' : 'web'),
  };
}

function formatResult({ files, notes, secrets, playbook, problems }: InitResult): string {
  const width = Math.max(...files.map(({ path }) => path.length));
  const next =
    problems.length > 0
      ? [`Fix what is listed here, then look at what a run would do: rollout plan ${playbook}`]
      : [
          'Look at what was written, then at what a run would do, which changes nothing:',
          ...secrets.map(
            ({ variable, of, container, host }) => `  export ${variable}=…   # ${of} of ${container} on ${host}`,
          ),
          `  rollout plan ${playbook}`,
          `  rollout doctor ${playbook}`,
        ];
  return [
    ...files.map(({ path, summary }) => `wrote ${path.padEnd(width)}  ${summary}`),
    ...(notes.length === 0 ? [] : ['', 'To look at:', ...notes.map((text) => `  ${text}`)]),
    '',
    ...next,
    '',
  ].join('\n');
}
