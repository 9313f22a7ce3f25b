/** `name`, `name:short`; a boolean takes no value, the others may be given several times. */
export interface FlagTable {
  readonly booleans?: readonly string[];
  readonly values?: readonly string[];
  /** Options end at the first argument, as for `docker create IMAGE COMMAND…`. */
  readonly optionsFirst?: boolean;
}

/** A command line that the docker client itself refuses. */
export class UsageError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 125) {
    super(message);
    this.exitCode = exitCode;
  }
}

export class Flags {
  readonly args: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(args: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.args = args;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  isSet(name: string): boolean {
    return (this.get(name) ?? 'false') !== 'false';
  }

  /** The last value given. */
  get(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  get names(): readonly string[] {
    return [...this.#values.keys()];
  }
}

/** Reads options as docker's client does: `--name value`, `--name=value`, `-n value`, `-nvalue`, `-aq`, `--`. */
export function parseFlags(command: string, argv: readonly string[], table: FlagTable): Flags {
  const known = new Map<string, { name: string; isBoolean: boolean }>();
  for (const [entries, isBoolean] of [
    [table.booleans ?? [], true],
    [table.values ?? [], false],
  ] as const) {
    for (const entry of entries) {
      const [name = '', short] = entry.split(':');
      known.set(`--${name}`, { name, isBoolean });
      if (short !== undefined) known.set(short.length === 1 ? `-${short}` : `--${short}`, { name, isBoolean });
    }
  }
  const unknown = (message: string) => new UsageError(`${message}\nSee 'docker ${command} --help'.`);
  const values = new Map<string, string[]>();
  const args: string[] = [];
  const rest = [...argv];
  const set = (name: string, value: string) => values.set(name, [...(values.get(name) ?? []), value]);
  const takeValue = (written: string): string => {
    const value = rest.shift();
    if (value === undefined) throw unknown(`flag needs an argument: ${written}`);
    return value;
  };

  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      args.push(...rest.splice(0));
    } else if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const flag = known.get(equals === -1 ? word : word.slice(0, equals));
      if (flag === undefined) throw unknown(`unknown flag: ${equals === -1 ? word : word.slice(0, equals)}`);
      if (equals !== -1) set(flag.name, word.slice(equals + 1));
      else set(flag.name, flag.isBoolean ? 'true' : takeValue(word));
    } else if (word.startsWith('-') && word.length > 1) {
      for (let at = 1; at < word.length; at += 1) {
        const flag = known.get(`-${word.charAt(at)}`);
        if (flag === undefined) throw unknown(`unknown shorthand flag: '${word.charAt(at)}' in ${word}`);
        if (flag.isBoolean) {
          set(flag.name, 'true');
          continue;
        }
        const attached = word.slice(at + 1).replace(/^=/, '');
        set(flag.name, attached === '' ? takeValue(`'${word.charAt(at)}' in ${word}`) : attached);
        break;
      }
    } else {
      args.push(word);
      if (table.optionsFirst === true) args.push(...rest.splice(0));
    }
  }
  return new Flags(args, values);
}
