import { faultOfFile, faultOfUser } from '../model/connection-words.ts';
import type { Value } from '../model/host.ts';
import { show } from '../schema/show.ts';
import type { Part } from './document.ts';
import { readSource, resolvePath } from './files.ts';
import type { Member } from './inventory/graph.ts';
import type { Inventory } from './inventory/inventory.ts';
import { PatternError, selectHosts } from './inventory/patterns.ts';
import type { Settings } from './inventory/vars-files.ts';
import type { BuiltPlay } from './playbook/play.ts';
import { isTemplate } from './template/tokens.ts';
import type { Problems } from './text/problems.ts';
import { Source } from './text/source.ts';
import { someOf } from '../model/alike.ts';
import { didYouMean } from '../model/closest.ts';

/** What a command line chooses of a playbook. */
interface Chosen {
  readonly limit?: string | undefined;
  readonly pattern?: string | undefined;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** What the patterns of a command line go by in problems. */
export const patternNames: readonly string[] = ['PATTERN', '--limit'];

/** The patterns of hosts among its words. */
function patternsOf({ pattern, limit }: Chosen): readonly Source[] {
  return [pattern, limit].flatMap((text, at) => (text === undefined ? [] : [new Source(patternNames[at] ?? '', text)]));
}

/** The hosts that all patterns leave; undefined without one. */
export function limitOf(inventory: Inventory, options: Chosen, problems: Problems): ReadonlySet<Member> | undefined {
  let left: ReadonlySet<Member> | undefined;
  for (const source of patternsOf(options)) {
    const members = membersOf(source, inventory, options, problems);
    left = left === undefined || members === undefined ? (members ?? left) : intersectionOf(left, members);
  }
  return left;
}

const intersectionOf = <T>(one: ReadonlySet<T>, other: ReadonlySet<T>): ReadonlySet<T> =>
  new Set([...one].filter((each) => other.has(each)));

/** Undefined where the pattern is none. */
function membersOf(
  source: Source,
  inventory: Inventory,
  options: Chosen,
  problems: Problems,
): ReadonlySet<Member> | undefined {
  try {
    const { members, unmatched } = selectHosts(inventory, source.text, (file) => {
      const read = readSource(resolvePath(options.cwd, file, options.env), options.cwd);
      if (!(read instanceof Source)) throw new PatternError(`${file} cannot be read: ${read.problem}`);
      return read.text.split('\n');
    });
    const known = [...inventory.graph.hosts.keys(), ...inventory.graph.groups.keys()];
    for (const pattern of unmatched) {
      const hint = didYouMean(pattern, known);
      const problem = source.problem(0, '', `${pattern} matches no host and no group${hint}`);
      if (members.length === 0) problems.add(problem);
      else problems.warn(problem);
    }
    return new Set(members);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    problems.add(source.problem(0, '', error.message));
    return undefined;
  }
}

/** Flags that stand for an inventory's variables are held to what these may be. */
export function checkConnectionFlags(
  { user, privateKey }: { readonly user?: string | undefined; readonly privateKey?: string | undefined },
  problems: Problems,
): void {
  const check = (flag: string, text: string | undefined, faultOf: (text: string) => string | undefined): void => {
    const fault = text === undefined ? undefined : faultOf(text);
    if (fault !== undefined) problems.add(new Source(flag, text ?? '').problem(0, '', `${fault}; got ${show(text)}`));
  };
  check('--user', user, faultOfUser);
  check('--private-key', privateKey, faultOfFile);
}

/** Refuses what is chosen on the command line and leaves nothing to do: it is a mistake, and no run that went well. */
export function checkSelection(plays: readonly BuiltPlay[], options: Chosen, problems: Problems): void {
  checkTags(plays, options, problems);
  const [source, second] = patternsOf(options);
  if (source === undefined || problems.count > 0 || plays.some(({ play }) => play.hosts.length > 0)) return;
  const together = second === undefined ? '' : ` together with ${second.file} ${second.text}`;
  const names = new Set(plays.flatMap(({ everyone }) => everyone.map(({ name }) => name)));
  const have = names.size === 0 ? 'they have none' : `they have ${someOf(names)}`;
  problems.add(source.problem(0, '', `leaves no host in any play${together}; ${have}`));
}

/** Ansible's own words, which name no tag. */
const specialTags = ['all', 'always', 'never', 'tagged', 'untagged'];

function checkTags(plays: readonly BuiltPlay[], { tags, skipTags }: Chosen, problems: Problems): void {
  const written: readonly Value[] = plays.flatMap(({ desired }) => desired.tags);
  // What a template makes of a host is not known yet.
  if (written.some((tag) => typeof tag === 'string' && isTemplate(tag))) return;
  const known = new Set([...written.filter((tag) => typeof tag === 'string'), ...specialTags]);
  const names = [...known].filter((tag) => !specialTags.includes(tag));
  const list = names.length === 0 ? 'This playbook has no tags' : `Its tags are ${names.join(', ')}`;
  const unknown = tags.filter((tag) => !known.has(tag));
  for (const tag of unknown) {
    const hint = didYouMean(tag, names) || `. ${list}`;
    const problem = new Source('--tags', tag).problem(0, '', `${tag} is a tag of no service and no task${hint}`);
    if (unknown.length === tags.length) problems.add(problem);
    else problems.warn(problem);
  }
  for (const tag of skipTags.filter((name) => !known.has(name))) {
    const message = `${tag} is a tag of no service and no task${didYouMean(tag, names)}`;
    problems.warn(new Source('--skip-tags', tag).problem(0, '', message));
  }
}

/** Where a variable of `-e` may be used. */
interface Uses {
  readonly document: Part;
  readonly inventory: Inventory;
  /** Of the playbook and its files of variables. */
  readonly playbookVars: Settings;
  /** A Compose file has asked for it. */
  isUsed(name: string): boolean;
}

/** Names of `-e` that stand in no text that belongs to the playbook: misspelt, and without effect. */
export function warnOfUnusedVars(extraVars: Settings, uses: Uses, problems: Problems): void {
  const unused = [...extraVars].filter(([name]) => !/^(?:ansible|rollout)_/.test(name) && !uses.isUsed(name));
  if (unused.length === 0) return;
  const texts = textsOf(extraVars, uses);
  const words = new Set([...texts].flatMap((text) => text.match(/[A-Za-z_]\w*/g) ?? []));
  for (const [name, { place }] of unused) {
    // A file of variables may hold more than one playbook needs.
    if (words.has(name) || place?.source.file !== '--extra-vars') continue;
    problems.warn(place.source.problem(place.start, '', `nothing uses the variable ${name}${didYouMean(name, words)}`));
  }
}

/** The texts of the playbook and of every file that its variables come from. */
function textsOf(extraVars: Settings, { document, inventory, playbookVars }: Uses): Set<string> {
  const sources = new Set([document.place.source]);
  const members = [...inventory.graph.hosts.values()];
  for (const settings of [
    playbookVars,
    inventory.settingsOfAll,
    ...members.map((member) => inventory.settings(member)),
  ])
    for (const { place } of settings.values()) if (place !== undefined) sources.add(place.source);
  // Of -e only the values count: one of them may use another.
  const values = [...extraVars.values()].map(({ value }) => JSON.stringify(value));
  return new Set([...[...sources].map(({ text }) => text), ...values]);
}
