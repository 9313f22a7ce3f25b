import pLimit from 'p-limit';
import type { RunHooks } from '../api/open.ts';
import type { Surroundings } from '../api/surroundings.ts';
import { textWriter } from '../render/output.ts';
import { askHidden, isInteractive } from './prompt.ts';
import type { World } from './world.ts';

/** What a command that only looks is opened with: warnings go to stderr, questions to the terminal. */
export function readingHooks(world: World): RunHooks & Surroundings {
  const { env, cwd, homeDir, clock, random } = world;
  const note = textWriter(world.stderr);
  const oneAtATime = pLimit(1);
  const ask = (question: string): Promise<string> => oneAtATime(() => askHidden(question, world));
  return {
    ...{ env, cwd, homeDir, clock, random },
    onEvent: (event) => {
      if (event.type === 'warning')
        note(`warning: ${event.host === undefined ? '' : `${event.host}: `}${event.message}\n`);
    },
    askVaultPassword: () => ask('Vault password: '),
    ...(isInteractive(world) ? { askSecret: ask } : {}),
  };
}

/** Whether there are colours on a stream. */
export function hasColor({ color }: { readonly color: boolean }, { env, stdout }: World): boolean {
  return color && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb' && stdout.isTTY;
}
