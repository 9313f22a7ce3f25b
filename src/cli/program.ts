import { Command, Help, type Option } from 'commander';
import { exitCodeMeanings, exitCodes } from '../events/exit-code.ts';
import { registerCompletion } from './completion.ts';
import { registerComposition } from './composition.ts';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { registerExec, withInteractive } from './exec.ts';
import { exitWith } from './exit.ts';
import { registerHistory } from './history.ts';
import { registerInit } from './init.ts';
import { registerInventory } from './inventory.ts';
import { registerAbort } from './abort.ts';
import { registerLogs } from './logs.ts';
import { registerPause } from './pause.ts';
import { registerPlan } from './plan.ts';
import { registerPromote } from './promote.ts';
import { registerReport } from './report.ts';
import { registerResume } from './resume.ts';
import { registerRollback } from './rollback.ts';
import { registerRun } from './run.ts';
import { registerSchedule } from './schedule.ts';
import { registerSchema } from './schema.ts';
import { registerStatus, withWatchLast } from './status.ts';
import { unknownCommand } from './unknown-command.ts';
import { registerValidate } from './validate.ts';
import { registerWatch } from './watch.ts';

declare const __ROLLOUT_VERSION__: string;
declare const __ROLLOUT_BUGS__: string;

/** Every command, with its flags; what they do is loaded when they are asked for. */
export function createProgram(version: string): Command {
  const program = new Command('rollout')
    .description('Rolling updates of Docker containers over SSH, behind a load balancer, without losing a request.')
    .version(version, '--version')
    .showHelpAfterError('(rollout --help lists the commands)')
    .showSuggestionAfterError()
    // As every other error is told: who says it, and what to do on a line of its own.
    .configureOutput({
      outputError: (text, write) =>
        write(text.replace(/^error: /, 'rollout: ').replace(/^\((Did you mean .*\?)\)$/m, '  $1')),
    })
    .enablePositionalOptions()
    .configureHelp({ optionDescription })
    .addHelpText('after', exitCodeHelp)
    .exitOverride();

  registerRun(program);
  registerPlan(program);
  registerRollback(program);
  registerResume(program);
  registerPromote(program);
  registerPause(program);
  registerAbort(program);
  registerWatch(program);
  registerStatus(program);
  registerLogs(program);
  registerExec(program);
  registerDoctor(program);
  registerComposition(program);
  registerSchedule(program);
  registerHistory(program);
  registerReport(program);
  registerInit(program);
  registerInventory(program);
  registerValidate(program);
  registerSchema(program);
  registerCompletion(program);
  registerDemo(program);
  return program;
}

/** A list that is empty and a flag that is not set are no defaults to speak of. */
function optionDescription(option: Option): string {
  const value: unknown = option.defaultValue;
  const isNothing = value === false || (Array.isArray(value) && value.length === 0);
  return isNothing && option.argChoices === undefined ? option.description : new Help().optionDescription(option);
}

/** The whole command line: what was asked for, done, with the exit code set. */
export async function main(): Promise<void> {
  const program = createProgram(__ROLLOUT_VERSION__);
  const words = withWatchLast(withInteractive(withJunitFile(process.argv.slice(2))));
  const unknown = unknownCommand(program, words, process.cwd());
  await exitWith(unknown === undefined ? program.parseAsync(words, { from: 'user' }) : Promise.reject(unknown), {
    version: __ROLLOUT_VERSION__,
    bugs: __ROLLOUT_BUGS__,
  });
}

/** `--output junit FILE` is `--junit FILE`: a form that is no stream has a file, and the run is shown as ever. */
export function withJunitFile(words: readonly string[]): string[] {
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  const at = own.findIndex(
    (word, index) => word === '--output=junit' || (word === '--output' && own[index + 1] === 'junit'),
  );
  if (at === -1) return [...words];
  return [...words.slice(0, at), '--junit', ...words.slice(words[at] === '--output' ? at + 2 : at + 1)];
}

function exitCodeHelp(): string {
  const lines = Object.entries(exitCodes).map(([name, code]) => {
    const meaning = exitCodeMeanings[name as keyof typeof exitCodes];
    return `  ${String(code).padEnd(5)}${meaning.replaceAll('`', '')}\n`;
  });
  return `\nExit codes:\n${lines.join('')}`;
}
