/** What one command of a script has printed, and how it ended. */
export interface Part {
  /** A word. */
  readonly name: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * For scripts: `part NAME COMMAND…` runs a command and prints its output as {@link formatPart} has it; `$code` and `$said`
 * hold its exit code and its stderr afterwards. So no failure is passed over.
 */
export const partFunction = `
part() {
  printf '\\036%s\\n' "$1"
  shift
  { said=$("$@" 2>&1 >&3 3>&-); code=$?; } 3>&1
  printf '\\036%s %s\\n' "$code" "$said"
}`;

/** What a part begins with: a record separator, which no JSON holds. */
export const mark = '\x1e';

export function formatPart({ name, exitCode, stdout, stderr }: Part): string {
  return `${mark}${name}\n${stdout}${mark}${exitCode} ${stderr.replace(/\n+$/, '')}\n`;
}

/** By name. Undefined where the text is anything else than whole parts. */
export function parseParts(text: string): ReadonlyMap<string, Part> | undefined {
  const [before = '', ...pieces] = text.split(mark);
  if (before.trim() !== '' || pieces.length % 2 !== 0) return undefined;
  const parts = new Map<string, Part>();
  for (let at = 0; at < pieces.length; at += 2) {
    const [, name = '', stdout = ''] = /^(\w+)\r?\n(.*)$/s.exec(pieces[at] ?? '') ?? [];
    const [, code = '', stderr = ''] = /^(\d{1,3}) (.*)$/s.exec(pieces[at + 1] ?? '') ?? [];
    if (name === '' || code === '') return undefined;
    parts.set(name, { name, exitCode: Number(code), stdout, stderr });
  }
  return parts;
}
