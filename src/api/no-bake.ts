import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { mostReasonLength } from './options.ts';

/** Why the bakes are left out. @throws RunRefused where nobody could read out of the journal why */
export function noBakeReasonOf({ reason }: { readonly reason: string }): string {
  const text = reason.trim();
  if (text === '') throw new RunRefused(exitCodes.usage, '--no-bake needs a reason, for the journal: --reason TEXT');
  if (text.length > mostReasonLength)
    throw new RunRefused(exitCodes.usage, `--reason takes ${mostReasonLength} characters at most; got ${text.length}`);
  return text;
}
