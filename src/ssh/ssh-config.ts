import SSHConfig, { LineType } from 'ssh-config';
import { matchesPatternList } from './known-hosts.ts';

/** Where a line of ssh_config stands, as `file:line`. */
export type Place = string;

/** One line of ssh_config that says something. Keywords are in lower case. */
export type Statement =
  | { readonly kind: 'set'; readonly keyword: string; readonly values: readonly string[]; readonly place: Place }
  | { readonly kind: 'host'; readonly patterns: readonly string[]; readonly place: Place }
  | { readonly kind: 'match'; readonly criteria: readonly string[]; readonly place: Place }
  /** `files` is filled by the loader, which reads what the patterns name. */
  | {
      readonly kind: 'include';
      readonly patterns: readonly string[];
      readonly files: readonly ConfigFile[];
      readonly place: Place;
    };

export type ConfigFile = readonly Statement[];

/** A line that cannot be read or applied. */
export class SshConfigError extends Error {
  constructor(place: Place, message: string) {
    super(`${place}: ${message}`);
    this.name = 'SshConfigError';
  }
}

/** What ssh_config says for one host: the first value of each keyword wins, `identityfile` collects. */
export type SshSettings = ReadonlyMap<string, { readonly values: readonly string[]; readonly place: Place }>;

export interface SshConfigQuery {
  /** As the user wrote it, before HostName. */
  readonly host: string;
  /** The remote user, where something stronger than ssh_config sets it. */
  readonly user: string | undefined;
  readonly localUser: string;
}

/**
 * Parses one file. Each line by itself, so that every statement knows its line.
 * @throws SshConfigError
 */
export function parseSshConfig(text: string, file: string): ConfigFile {
  return text.split(/\r?\n/).flatMap((line, index) => parseLine(line, `${file}:${index + 1}`) ?? []);
}

function parseLine(line: string, place: Place): Statement | undefined {
  if (/^\s*(?:#|$)/.test(line)) return undefined;
  const [keyword, values] = splitLine(line.trim(), place);
  if (values.length === 0) throw new SshConfigError(place, `${keyword} has no value.`);
  switch (keyword.toLowerCase()) {
    case 'host':
      return { kind: 'host', patterns: values, place };
    case 'match':
      return { kind: 'match', criteria: values, place };
    case 'include':
      return { kind: 'include', patterns: values, files: [], place };
    default:
      return { kind: 'set', keyword: keyword.toLowerCase(), values, place };
  }
}

function splitLine(line: string, place: Place): [string, string[]] {
  // ssh-config knows Match's criteria, but not that a line may be wrong: as Host its words are only split.
  const words = line.replace(/^match(?=[\s=])/i, 'Host');
  try {
    const [directive] = SSHConfig.parse(words);
    if (directive?.type !== LineType.DIRECTIVE) throw new Error('this is not "Keyword value"');
    const { param, value } = directive;
    const values = typeof value === 'string' ? [value] : value.map(({ val }) => val);
    return [words === line ? param : 'match', values.filter((text) => text !== '')];
  } catch (error) {
    const reason = error instanceof TypeError ? 'the value is missing' : error instanceof Error ? error.message : '';
    throw new SshConfigError(place, `cannot be read: ${reason}. Found: ${line}`);
  }
}

/**
 * What the files say for a host, in ssh's order: the user's file before the system's, first value wins.
 * @throws SshConfigError for a Match that would run a command or that is not supported, where it would decide.
 */
export function evaluateSshConfig(files: readonly ConfigFile[], query: SshConfigQuery): SshSettings {
  const evaluation = new Evaluation(query);
  for (const file of files) evaluation.read(file, true);
  if (evaluation.wantsFinalPass) {
    evaluation.isFinalPass = true;
    for (const file of files) evaluation.read(file, true);
  }
  return evaluation.settings;
}

class Evaluation {
  readonly settings = new Map<string, { values: string[]; place: Place }>();
  wantsFinalPass = false;
  isFinalPass = false;
  readonly #query: SshConfigQuery;

  constructor(query: SshConfigQuery) {
    this.#query = query;
  }

  /** `enabled` is false inside an Include that stands in a block for other hosts. */
  read(file: ConfigFile, enabled: boolean): void {
    let active = enabled;
    for (const statement of file) {
      switch (statement.kind) {
        case 'host':
          active = enabled && matchesPatternList(statement.patterns, this.#query.host);
          break;
        case 'match':
          active = enabled && this.#matches(statement.criteria, statement.place);
          break;
        case 'include':
          for (const included of statement.files) this.read(included, active);
          break;
        case 'set':
          if (active) this.#set(statement.keyword, statement.values, statement.place);
      }
    }
  }

  #set(keyword: string, values: readonly string[], place: Place): void {
    const existing = this.settings.get(keyword);
    if (existing === undefined) this.settings.set(keyword, { values: [...values], place });
    else if (keyword === 'identityfile') {
      existing.values.push(...values.filter((value) => !existing.values.includes(value)));
    }
  }

  #matches(criteria: readonly string[], place: Place): boolean {
    const rest = [...criteria];
    for (;;) {
      const word = rest.shift();
      if (word === undefined) return true;
      const negated = word.startsWith('!');
      const criterion = word.slice(negated ? 1 : 0).toLowerCase();
      if (this.#holds(criterion, () => rest.shift(), place) === negated) return false;
    }
  }

  #holds(criterion: string, nextArgument: () => string | undefined, place: Place): boolean {
    switch (criterion) {
      case 'all':
        return true;
      case 'final':
        this.wantsFinalPass = true;
        return this.isFinalPass;
      case 'canonical':
        // Host names are never canonicalised here.
        return false;
    }
    const patterns = nextArgument()?.split(',');
    if (patterns === undefined) throw new SshConfigError(place, `Match ${criterion} has no value.`);
    const { host, user, localUser } = this.#query;
    switch (criterion) {
      case 'host':
        return matchesPatternList(patterns, this.settings.get('hostname')?.values[0]?.replaceAll('%h', host) ?? host);
      case 'originalhost':
        return matchesPatternList(patterns, host);
      case 'user':
        return matchesPatternList(patterns, user ?? this.settings.get('user')?.values[0] ?? localUser);
      case 'localuser':
        return matchesPatternList(patterns, localUser);
      default:
        throw new SshConfigError(
          place,
          `Match ${criterion} is not supported: ${criterion === 'exec' ? 'rollout runs no command to find out how to connect' : 'only host, originalhost, user, localuser, final and all are'}. ` +
            `Set ansible_host, ansible_port, ansible_user or ansible_ssh_private_key_file in the inventory, or use a Host block.`,
        );
    }
  }
}
