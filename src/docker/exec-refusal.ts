/** Why docker has not run a command in a container, by what it says; as its versions word it. */
const refusals: readonly (readonly [pattern: RegExp, words: (container: string) => string])[] = [
  [/\bno such container: /i, (container) => `there is no container ${container} here.`],
  [/\bcontainer \S+ is not running\b/i, (container) => `the container ${container} does not run.`],
  [/\bcontainer \S+ is restarting\b/i, (container) => `the container ${container} does not stay up: it is restarting.`],
  [/\bcontainer \S+ is paused\b/i, (container) => `the container ${container} is paused.`],
];

/**
 * `docker exec` ends with 1 where it has run nothing, as commands do: only its words tell.
 * @returns why not, in words; undefined where the command was run
 */
export function execRefusal(
  container: string,
  { exitCode, stdout, stderr }: { readonly exitCode: number; readonly stdout: string; readonly stderr: string },
): string | undefined {
  const said = stderr.trim();
  if (exitCode !== 1 || stdout !== '' || !/^Error(?: response from daemon)?: [^\n]*$/.test(said)) return undefined;
  return refusals.find(([pattern]) => pattern.test(said))?.[1](container);
}

/** `docker logs` of a container that is not there. */
export const isNoSuchContainer = (said: string): boolean =>
  /^Error(?: response from daemon)?: no such container: /i.test(said);
