import { type Argv, createVolumeCommand } from './commands.ts';
import { noteLabels, noteName, type DrainNote } from './drain-note.ts';
import { changeTimeoutMs, type Step } from './steps.ts';

/** Leaves a note on the host; an older one about the same container goes. */
export function leaveNoteSteps(container: string, note: DrainNote): readonly Step[] {
  const options = Object.entries(noteLabels(note)).map(([name, value]) => `--label=${name}=${value}`);
  return [
    { argv: removeNoteCommand(container), timeoutMs: changeTimeoutMs },
    { argv: createVolumeCommand(noteName(container), options), timeoutMs: changeTimeoutMs },
  ];
}

/** With `--force` one that is not there is removed already. */
export const removeNoteCommand = (container: string): Argv => [
  ...['docker', 'volume', 'rm', '--force', '--'],
  noteName(container),
];
