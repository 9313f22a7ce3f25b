import { RunRefused } from '../engine/context.ts';
import { exitCodes } from '../events/exit-code.ts';
import { mostReasonLength } from './options.ts';

/** Why somebody leaves out what the playbook asks for. @throws RunRefused where nobody could read out of the journal why */
export function givenReason(flag: string, { reason }: { readonly reason: string }): { readonly reason: string } {
  const text = reason.trim();
  if (text === '') throw new RunRefused(exitCodes.usage, `${flag} needs a reason, for the journal: --reason TEXT`);
  if (text.length > mostReasonLength)
    throw new RunRefused(exitCodes.usage, `--reason takes ${mostReasonLength} characters at most; got ${text.length}`);
  return { reason: text };
}
