/**
 * The name and the arguments of a script that rollout brings along, `sh -c TEXT rollout-NAME ARGS…`; undefined for any
 * other command.
 */
export function ownScript(argv: readonly string[]): readonly [name: string, ...args: string[]] | undefined {
  const [shell, option, , name, ...args] = argv;
  const isOwn = shell === 'sh' && option === '-c' && name?.startsWith('rollout-') === true;
  return isOwn ? [name, ...args] : undefined;
}
