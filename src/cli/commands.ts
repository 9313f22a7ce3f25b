import type { Command } from 'commander';
import {
  addConnectionOptions,
  addExtraVarsOption,
  addOutputOptions,
  addPlaybookOptions,
  addReportOption,
  duration,
} from './options.ts';
import type { PlanOptions } from './plan-command.ts';
import type { ResumeOptions } from './resume-command.ts';
import type { RollbackOptions } from './rollback-command.ts';
import type { RunOptions } from './run-command.ts';
import { systemWorld } from './world.ts';

/** `rollout PLAYBOOK` and `rollout run PLAYBOOK`. What a command needs is loaded when it runs. */
export function registerRun(program: Command): void {
  const command = program.command('run', { isDefault: true }).argument('<playbook>', 'the playbook to carry out');
  addReportOption(addOutputOptions(addConnectionOptions(addPlaybookOptions(command))))
    .description('bring every host to what the playbook wants: preflight, plan, canary, everyone')
    .option('-C, --check', 'only show what would change', false)
    .option('-D, --diff', 'show every difference in the plan, value by value', false)
    .option('--confirm', 'ask after the plan', false)
    .option('--lock-timeout <duration>', 'wait for another run on the same hosts', duration, 0)
    .action(async (playbook: string, options: RunOptions) => {
      const { runCommand } = await import('./run-command.ts');
      process.exitCode = await runCommand(playbook, options, systemWorld());
    });
}

export function registerPlan(program: Command): void {
  const command = program.command('plan').argument('<playbook>', 'the playbook to plan');
  addOutputOptions(addConnectionOptions(addPlaybookOptions(command)))
    .description('what a run would change, per host, why, in which order; reads the hosts and changes nothing')
    .option('-D, --diff', 'as in run; a plan shows every difference without it', true)
    .option('--detailed-exitcode', 'exit 10 when there is something to change', false)
    .action(async (playbook: string, options: PlanOptions) => {
      const { planCommand } = await import('./plan-command.ts');
      process.exitCode = await planCommand(playbook, options, systemWorld());
    });
}

export function registerRollback(program: Command): void {
  const command = program.command('rollback').argument('<playbook>', 'the playbook whose hosts go back');
  addReportOption(addOutputOptions(addConnectionOptions(addPlaybookOptions(command))))
    .description('back to the parked previous containers, or to a composition; no canary, the same capacity limits')
    .option('--to <composition>', 'the composition to go back to, instead of the parked containers')
    .option('--confirm', 'ask after the plan (with --to)', false)
    .option('--lock-timeout <duration>', 'wait for another run on the same hosts', duration, 0)
    .action(async (playbook: string, options: RollbackOptions) => {
      const { rollbackCommand } = await import('./rollback-command.ts');
      process.exitCode = await rollbackCommand(playbook, options, systemWorld());
    });
}

export function registerResume(program: Command): void {
  const command = program.command('resume').argument('<run>', "a run's id, or its beginning");
  addReportOption(addOutputOptions(addConnectionOptions(addExtraVarsOption(command))))
    .description('go on with a paused or interrupted run: the same digests, finished nodes skipped')
    .option('--lock-timeout <duration>', 'wait for another run on the same hosts', duration, 0)
    .action(async (run: string, options: ResumeOptions) => {
      const { resumeCommand } = await import('./resume-command.ts');
      process.exitCode = await resumeCommand(run, options, systemWorld());
    });
}
