import type { Command } from 'commander';
import { journalDir } from '../store/journal.ts';
import { listRuns } from '../store/runs.ts';
import { formatHistory, summariseRun } from '../render/history-text.ts';
import { printableJson, textWriter, type OutputStream } from '../render/output.ts';
import { addFormOption, count } from './options.ts';
import { systemWorld, type World } from './world.ts';

/** Where journals are, and where to print. */
export interface JournalWorld extends Pick<World, 'env' | 'cwd'> {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

export function registerHistory(program: Command, world?: JournalWorld): void {
  const command = program
    .command('history')
    .description('list the runs of this working folder, newest first')
    .option('-n, --limit <count>', 'at most so many', count, 20);
  addFormOption(command, 'a table, or one JSON object a line').action(
    async ({ limit, output }: { limit: number; output: 'plain' | 'json' }) => {
      const { env, cwd, stdout } = world ?? systemWorld();
      const print = textWriter(stdout);
      const runs = (await listRuns(journalDir(env, cwd), limit)).map(summariseRun);
      if (output === 'json') print(runs.map((run) => `${printableJson(run)}\n`).join(''));
      else print(`${formatHistory(runs)}\n`);
    },
  );
}
