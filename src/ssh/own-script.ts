/**
 * The name and the arguments of a script that rollout brings along, `sh -c TEXT rollout-NAME ARGS…`; undefined for any
 * other command.
 */
export function ownScript(argv: readonly string[]): readonly [name: string, ...args: string[]] | undefined {
  const [shell, option, , name, ...args] = argv;
  const isOwn = shell === 'sh' && option === '-c' && name?.startsWith('rollout-') === true;
  return isOwn ? [name, ...args] : undefined;
}

/** Words for people: every script of rollout's own among them by its name, however deep, and never its text. */
export function withoutScripts(argv: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (let at = 0; at < argv.length; at += 1) {
    if (ownScript(argv.slice(at, at + 4)) !== undefined) at += 3;
    words.push(argv[at] ?? '');
  }
  return words;
}
