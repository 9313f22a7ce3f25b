import { Command } from 'commander';
import { exitCodeMeanings, exitCodes } from '../events/exit-code.ts';
import { registerDemo } from './demo.ts';
import { exitWith } from './exit.ts';
import { registerHistory } from './history.ts';
import { registerInventory } from './inventory.ts';
import { registerAbort } from './abort.ts';
import { registerPause } from './pause.ts';
import { registerPlan } from './plan.ts';
import { registerPromote } from './promote.ts';
import { registerReport } from './report.ts';
import { registerResume } from './resume.ts';
import { registerRollback } from './rollback.ts';
import { registerRun } from './run.ts';
import { registerSchema } from './schema.ts';
import { registerValidate } from './validate.ts';

declare const __ROLLOUT_VERSION__: string;

/** The whole command line: what was asked for, done, with the exit code set. */
export async function main(): Promise<void> {
  const program = new Command('rollout')
    .description('Rolling updates of Docker containers over SSH, behind a load balancer, without losing a request.')
    .version(__ROLLOUT_VERSION__, '--version')
    .showHelpAfterError('(rollout --help lists the commands)')
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .addHelpText('after', exitCodeHelp)
    .exitOverride();

  registerRun(program);
  registerPlan(program);
  registerRollback(program);
  registerResume(program);
  registerPromote(program);
  registerPause(program);
  registerAbort(program);
  registerHistory(program);
  registerReport(program);
  registerInventory(program);
  registerValidate(program);
  registerSchema(program);
  registerDemo(program);

  await exitWith(program.parseAsync());
}

function exitCodeHelp(): string {
  const lines = Object.entries(exitCodes).map(([name, code]) => {
    const meaning = exitCodeMeanings[name as keyof typeof exitCodes];
    return `  ${String(code).padEnd(5)}${meaning.replaceAll('`', '')}\n`;
  });
  return `\nExit codes:\n${lines.join('')}`;
}
