import type { Command } from 'commander';
import type { ConnectionOptions, PlaybookOptions } from '../api/options.ts';
import { takeSignals } from '../boot/early-signals.ts';
import { addConnectionOptions, addFormOption, addPlaybookOptions } from './options.ts';
import { systemWorld, type World } from './world.ts';

interface DoctorFlags extends PlaybookOptions, Omit<ConnectionOptions, 'lockTimeout'> {
  readonly output: 'plain' | 'json';
  readonly color: boolean;
  readonly drain?: string;
}

export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .argument('<playbook>', 'the playbook whose hosts and balancers are examined');
  addFormOption(addConnectionOptions(addPlaybookOptions(command)), 'text, or JSON')
    .description('all that a run will need of every host and balancer, each finding with its fix; changes nothing')
    .option(
      '--drain <host>',
      'take this host out of rotation and back, to prove that the check follows its health container',
    )
    .option('--no-color', 'no colours')
    .action(async (playbook: string, flags: DoctorFlags) => {
      process.exitCode = await doctorCommand(playbook, flags, systemWorld());
    });
}

/** @returns 0, 2 where something is to be changed, 4 where hosts or their docker do not answer */
async function doctorCommand(playbook: string, flags: DoctorFlags, world: World): Promise<number> {
  const { examine } = await import('../api/doctor.ts');
  const { readingHooks, hasColor } = await import('./reading.ts');
  const { guardedWriter, printableJson } = await import('../render/output.ts');
  const { createPainter } = await import('../render/paint.ts');
  const { formatExamination } = await import('../render/doctor-text.ts');
  const stopping = new AbortController();
  // Only a node that is out has to come back first.
  const giveBack =
    flags.drain === undefined ? () => undefined : takeSignals(() => stopping.abort(new Error('ended by a signal')));
  try {
    const found = await examine(playbook, { ...flags, ...readingHooks(world), stopping: stopping.signal });
    const text =
      flags.output === 'json'
        ? printableJson(found, 2)
        : formatExamination(found, createPainter(hasColor(flags, world)));
    guardedWriter(world.stdout)(`${text}\n`);
    return found.exitCode;
  } finally {
    giveBack();
  }
}
