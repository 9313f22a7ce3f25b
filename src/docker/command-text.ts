import { ownScript } from '../ssh/own-script.ts';
import { quoteArgv } from '../shell/quote.ts';
import { stepsOf } from './step-script.ts';
import type { Argv } from './commands.ts';

/**
 * A script of rollout's own for people: its name and its arguments, without its text. One that carries out others names
 * each: `rollout-steps docker rename app app.previous; rollout-update --restart no app`. Undefined for any other command.
 */
export function ownScriptText(argv: Argv): string | undefined {
  const words = ownScript(argv);
  if (words === undefined) return undefined;
  const steps = stepsOf(argv);
  if (steps === undefined) {
    // Behind the lock's own arguments stands what comes together with it.
    const inner = words.findIndex((_, at) => ownScript(words.slice(at)) !== undefined);
    if (inner === -1) return quoteArgv(words);
    return `${quoteArgv(words.slice(0, inner))} ${ownScriptText(words.slice(inner))}`;
  }
  return `${words[0]} ${steps.map((step) => ownScriptText(step) ?? quoteArgv(step)).join('; ')}`;
}
