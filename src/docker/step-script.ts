import { partFunction } from '../shell/parts.ts';
import { type Argv, leanClient, script } from './commands.ts';

const stepsName = 'rollout-steps';

/**
 * Commands one after the other, up to the first that fails: its exit code and what it says are the script's. Prints the
 * number of each that has ended. That is also how it notices that its connection is gone: nothing is begun then. Behind
 * the last one it prints, as a part, the documents of the containers of `look`, so that what was done is seen in the same
 * round trip.
 */
export const stepsCommand = (steps: readonly Argv[], look: readonly string[] = []): Argv =>
  script(
    stepsName,
    `
set -f; ${leanClient}${partFunction}
look=
at=$1
shift
while [ "$at" -gt 0 ]; do look="$look $1"; at=$((at - 1)); shift; done
step=0
while [ "$#" -gt 0 ]; do
  words=
  at=2
  while [ "$at" -le "$(($1 + 1))" ]; do words="$words \\"\\\${$at}\\""; at=$((at + 1)); done
  said=$(eval "$words" 2>&1 >/dev/null </dev/null) || { code=$?; printf '%s\\n' "$said" >&2; exit "$code"; }
  step=$((step + 1))
  echo "$step" || exit
  shift "$(($1 + 1))"
done
[ -z "$look" ] || part ${lookPart} docker container inspect -- $look
`,
    [String(look.length), ...look, ...steps.flatMap((words) => [String(words.length), ...words])],
  );

/** The part of a {@link stepsCommand}'s output that shows its containers. */
export const lookPart = 'look';

/** The commands of a {@link stepsCommand}; undefined for any other. */
export function stepsOf([, , , name, ...args]: Argv): readonly Argv[] | undefined {
  if (name !== stepsName) return undefined;
  const steps: Argv[] = [];
  for (let at = 1 + Number(args[0]); at < args.length;) {
    const end = at + 1 + Number(args[at]);
    steps.push(args.slice(at + 1, end));
    at = end;
  }
  return steps;
}
