import { runProgram, type ProgramEnd, type ProgramOptions } from '../../local/program.ts';
import { protectFromTemplates, setOwn } from '../text/yaml.ts';
import type { Value } from '../../model/host.ts';
import { GroupLoop, type Setting } from './graph.ts';
import { setGroupVariable, type InventoryReader } from './reader.ts';

export interface ScriptOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** For each call of the script. */
  readonly timeoutMs: number;
}

/** How many `--host` calls run side by side when a script gives no `_meta`. */
const hostCallsAtOnce = 8;
/** 50,000 hosts with a kilobyte of variables each are 50 MiB. */
export const mostScriptBytes = 128 << 20;
/** Deeper values are no variables of anybody. */
const mostLevels = 200;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Reads what an executable inventory prints for `--list`, and for `--host` of each host when there is no `_meta`. */
export async function readScript(reader: InventoryReader, path: string, options: ScriptOptions): Promise<void> {
  const list = await call(reader, path, ['--list'], options);
  if (list === undefined) return;
  const names = new Set<string>();
  let hostvars: Json | undefined;
  for (const [name, content] of Object.entries(list)) {
    if (name === '_meta') hostvars = isObject(content) ? content['hostvars'] : undefined;
    else readGroup(reader, name, content, names);
  }
  if (hostvars === undefined) await askForHosts(reader, path, names, options);
  else for (const name of names) setHostVariables(reader, name, isObject(hostvars) ? hostvars[name] : undefined);
}

async function askForHosts(
  reader: InventoryReader,
  path: string,
  names: ReadonlySet<string>,
  options: ScriptOptions,
): Promise<void> {
  const left = [...names];
  const worker = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift())
      setHostVariables(reader, name, await call(reader, path, ['--host', name], options));
  };
  await Promise.all(Array.from({ length: hostCallsAtOnce }, worker));
}

function readGroup(reader: InventoryReader, name: string, written: Json, names: Set<string>): void {
  const report = (message: string): void => reader.problems.add(reader.source.problem(0, name, message));
  const { graph } = reader;
  const group = graph.addGroup(name);
  // Short forms: a list is the group's hosts; a mapping without any of the three keys is one host's variables.
  const content = !isObject(written)
    ? { hosts: written }
    : ['hosts', 'vars', 'children'].some((key) => key in written)
      ? written
      : { hosts: [name], vars: written };
  const { hosts = [], vars = {}, children = [] } = content as { hosts?: Json; vars?: Json; children?: Json };
  if (!Array.isArray(hosts) || !hosts.every((host) => typeof host === 'string' && host !== '')) {
    report(`the script gives hosts that are no list of names: ${excerpt(hosts)}`);
    return;
  }
  if (!isObject(vars)) {
    report(`the script gives vars that are no mapping: ${excerpt(vars)}`);
    return;
  }
  if (!Array.isArray(children) || !children.every((child) => typeof child === 'string')) {
    report(`the script gives children that are no list of group names: ${excerpt(children)}`);
    return;
  }
  for (const host of hosts as string[]) {
    names.add(host);
    graph.addHost(host, group, reader.file);
  }
  for (const [key, value] of Object.entries(vars)) setGroupVariable(reader, group, key, setting(reader, value));
  for (const child of children) {
    try {
      graph.addChild(group, graph.addGroup(child));
    } catch (error) {
      if (!(error instanceof GroupLoop)) throw error;
      report(`the script's groups go round in a circle: ${error.message}`);
    }
  }
}

function setHostVariables(reader: InventoryReader, name: string, variables: Json | undefined): void {
  if (variables === undefined || variables === null) return;
  if (!isObject(variables)) {
    reader.problems.add(
      reader.source.problem(
        0,
        name,
        `the script gives variables of ${name} that are no mapping: ${excerpt(variables)}`,
      ),
    );
    return;
  }
  const member = reader.graph.addHost(name, undefined, reader.file);
  for (const [key, value] of Object.entries(variables)) member.vars.set(key, setting(reader, value));
}

async function call(
  reader: InventoryReader,
  path: string,
  args: readonly string[],
  options: ScriptOptions,
): Promise<{ [key: string]: Json } | undefined> {
  const report = (message: string): void =>
    reader.problems.add(reader.source.problem(0, '', `the inventory script with ${args.join(' ')} ${message}`));
  const { error, stdout, stderr } = await run(path, args, options);
  const said = stderr.trim() === '' ? '' : `; it said: ${stderr.trim().split('\n').slice(-3).join(' / ')}`;
  if (error !== undefined) {
    report(`${error}${said}`);
    return undefined;
  }
  if (args[0] === '--host' && stdout.trim() === '') return {};
  try {
    const parsed = JSON.parse(stdout) as Json;
    if (isDeep(parsed)) report(`printed JSON that is more than ${mostLevels} levels deep`);
    else if (isObject(parsed)) return parsed;
    else report(`printed ${excerpt(parsed)}, but it must print a JSON object${said}`);
  } catch (failure) {
    report(`printed what is not JSON (${(failure as Error).message.replace(/\s+/g, ' ')})${said}`);
  }
  return undefined;
}

interface Outcome {
  readonly error: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(path: string, args: readonly string[], { env, cwd, timeoutMs }: ScriptOptions): Promise<Outcome> {
  const options = { env, cwd, timeoutMs, mostBytes: mostScriptBytes, ownGroup: true };
  const { end, stdout, stderr } = await runProgram([path, ...args], options);
  return { error: explainEnd(end, options), stdout, stderr };
}

function explainEnd(end: ProgramEnd, options: ProgramOptions): string | undefined {
  switch (end.kind) {
    case 'exited':
      return end.code === 0 ? undefined : `failed with exit code ${end.code}`;
    case 'signalled':
      return `was ended by ${end.signal}`;
    case 'late':
      return `did not end within ${options.timeoutMs / 1000} s and was stopped`;
    case 'endless':
      return `printed more than ${options.mostBytes >> 20} MiB and was stopped`;
    case 'unstarted':
      return `could not be started: ${explainStart(end.error)}`;
    case 'aborted':
      return 'was stopped';
  }
}

function explainStart(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'the program in its first line does not exist';
  return error.code === 'EACCES' ? 'permission denied; make it executable with chmod +x' : error.message;
}

function setting(reader: InventoryReader, value: Json): Setting {
  return { value: toValue(reader, value), place: undefined };
}

/** The JSON as plain data; what Ansible marks as encrypted is a secret, and what it marks as unsafe is text. */
function toValue(reader: InventoryReader, json: Json): Value {
  if (Array.isArray(json)) return json.map((item) => toValue(reader, item));
  if (!isObject(json)) return json;
  const { __ansible_unsafe: unsafe, __ansible_vault: encrypted } = json;
  if (typeof encrypted === 'string')
    return reader.decrypt(encrypted, { source: reader.source, start: 0, end: 0 }) ?? null;
  if (typeof unsafe === 'string') return protectFromTemplates(unsafe);
  const mapping: Record<string, Value> = {};
  for (const [key, value] of Object.entries(json)) setOwn(mapping, key, toValue(reader, value));
  return mapping;
}

/** Level by level: whoever goes down by calls runs out of stack. */
function isDeep(json: Json): boolean {
  let level: Json[] = [json];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > mostLevels) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
}

function isObject(json: Json | undefined): json is { [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function excerpt(json: Json): string {
  const text = JSON.stringify(json);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
