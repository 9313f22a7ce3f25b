import { exitCodes } from '../events/exit-code.ts';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { RunRefused } from '../engine/context.ts';
import type { Event } from '../events/event.ts';
import { journalDir } from '../store/journal.ts';
import { readRun } from '../store/runs.ts';
import { formatReport } from '../render/report/page.ts';
import { textWriter } from '../render/output.ts';
import type { JournalWorld } from './history.ts';
import { systemWorld } from './world.ts';

export function registerReport(program: Command, world?: JournalWorld): void {
  program
    .command('report')
    .description('write the report of a run as one self-contained HTML page')
    .argument('[run]', "the run's id or its beginning; the newest run if left out", '')
    .option('-o, --out <file>', 'where to; - is the standard output (default: rollout-RUN.html)')
    .action(async (idOrPrefix: string, { out }: { out?: string }) => {
      const { env, cwd, stdout, stderr } = world ?? systemWorld();
      const print = textWriter(stdout);
      const { id, events, damagedLines } = await readRun(journalDir(env, cwd), idOrPrefix);
      if (damagedLines > 0) textWriter(stderr)(`${damagedLines} damaged lines of the journal of ${id} are left out\n`);
      if (out === '-') {
        print(formatReport(events));
        return;
      }
      const file = resolve(cwd, out ?? `rollout-${id}.html`);
      await writeReport(file, events);
      print(`${file}\n`);
    });
}

/** Writes the page, for its owner only: it shows hosts and logs. @throws RunRefused when it cannot. */
export async function writeReport(file: string, events: readonly Event[]): Promise<void> {
  try {
    await writeFile(file, formatReport(events), { mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RunRefused(exitCodes.usage, `the report ${file} cannot be written: ${reason}`);
  }
}
