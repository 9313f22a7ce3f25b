import { faultOfAddress, faultOfFile, faultOfUser, parseJump } from '../../model/connection-words.ts';
import type { Become, ConnectionSettings, Value } from '../../model/host.ts';
import { Secret } from '../../model/secret.ts';
import { expandHome } from '../files.ts';
import { shlexRules, splitWords, UnfinishedWord } from '../../shell/words.ts';

export interface ConnectionContext {
  /** A rendered variable of the host. */
  variable(name: string): Value | undefined;
  /** Of the command line; inventory variables override them, as in Ansible. */
  readonly user: string | undefined;
  readonly privateKeyFile: string | undefined;
  readonly become: boolean;
  readonly env: NodeJS.ProcessEnv;
  problem(variable: string, message: string): void;
  warning(variable: string, message: string): void;
}

/** How a host is reached, from Ansible's connection variables. */
export function connectionOf(host: string, context: ConnectionContext): ConnectionSettings {
  const become = readBecome(context);
  const written = first(context, ['ansible_connection'])?.value ?? 'ssh';
  const kind = typeof written === 'string' ? written.replace(/^ansible\.(?:builtin|legacy)\./, '') : written;
  if (kind === 'local') return { kind: 'local', ...become };
  if (typeof kind !== 'string' || !['ssh', 'smart', 'paramiko', 'paramiko_ssh'].includes(kind))
    context.problem('ansible_connection', `must be ssh or local; got ${JSON.stringify(written)}`);
  const user = readFormed(context, ['ansible_user', 'ansible_ssh_user'], faultOfUser) ?? context.user;
  const key = readKeyFile(context) ?? context.privateKeyFile;
  const port = readPort(context);
  const password = readSecret(context, ['ansible_password', 'ansible_ssh_pass', 'ansible_ssh_password']);
  return {
    kind: 'ssh',
    address: readAddress(host, context),
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(key === undefined || key === '' ? {} : { privateKeyFile: expandHome(key, context.env) }),
    ...readSshArguments(context),
    ...become,
  };
}

function readBecome(context: ConnectionContext): { become?: Become } {
  const found = first(context, ['ansible_become']);
  const wanted = found === undefined ? context.become : readFlag(found.value);
  if (wanted === undefined)
    context.problem('ansible_become', `must be true or false; got ${JSON.stringify(found?.value)}`);
  if (wanted !== true) return {};
  const method = readText(context, ['ansible_become_method']) ?? 'sudo';
  if (method !== 'sudo') context.problem('ansible_become_method', `only sudo is supported; got ${method}`);
  const password = readSecret(context, ['ansible_become_password', 'ansible_become_pass']);
  // sudo reads one line: the rest would be the next password, or what the command reads.
  if (/[\r\n\0]/.test(password?.reveal() ?? ''))
    context.problem('ansible_become_password', 'has a line break in it, and sudo reads one line');
  return {
    become: {
      method: 'sudo',
      user: readFormed(context, ['ansible_become_user'], faultOfUser) ?? 'root',
      ...(password === undefined ? {} : { password }),
    },
  };
}

function first(context: ConnectionContext, names: readonly string[]): { name: string; value: Value } | undefined {
  for (const name of names) {
    const value = context.variable(name);
    if (value !== undefined && value !== null) return { name, value };
  }
  return undefined;
}

function readText(context: ConnectionContext, names: readonly string[]): string | undefined {
  const found = first(context, names);
  if (found === undefined) return undefined;
  if (typeof found.value === 'string' || typeof found.value === 'number') return String(found.value);
  // An address or a user may well lie in a vault.
  if (found.value instanceof Secret) return found.value.reveal();
  context.problem(found.name, `must be text; got ${JSON.stringify(found.value)}`);
  return undefined;
}

/** Text that must be of a form: without a fault. */
function readFormed(
  context: ConnectionContext,
  names: readonly [string, ...string[]],
  faultOf: (text: string) => string | undefined,
): string | undefined {
  const text = readText(context, names);
  const fault = text === undefined ? undefined : faultOf(text);
  if (fault !== undefined) context.problem(names[0], fault);
  return text;
}

/** Where no variable names one, the host's own name is the address. */
function readAddress(host: string, context: ConnectionContext): string {
  const written = readFormed(context, ['ansible_host', 'ansible_ssh_host'], faultOfAddress);
  const fault = faultOfAddress(host);
  if (written === undefined && fault !== undefined)
    context.problem('ansible_host', `is not set, and the host's name is no address: it ${fault}`);
  return written ?? host;
}

/** As for Ansible an empty one takes back what a group says. */
function readKeyFile(context: ConnectionContext): string | undefined {
  const names = ['ansible_ssh_private_key_file', 'ansible_private_key_file'] as const;
  return readFormed(context, names, (text) => (text === '' ? undefined : faultOfFile(text)));
}

function readSecret(context: ConnectionContext, names: readonly string[]): Secret | undefined {
  const found = first(context, names);
  if (found === undefined || found.value instanceof Secret) return found?.value as Secret | undefined;
  const text = readText(context, names);
  return text === undefined ? undefined : new Secret(found.name, text);
}

function readPort(context: ConnectionContext): number | undefined {
  const found = first(context, ['ansible_port', 'ansible_ssh_port']);
  if (found === undefined) return undefined;
  const port = Number(found.value instanceof Secret ? found.value.reveal() : found.value);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535 && typeof found.value !== 'boolean') return port;
  context.problem(found.name, `must be a port from 1 to 65535; got ${JSON.stringify(found.value)}`);
  return undefined;
}

function readFlag(value: Value): boolean | undefined {
  if (typeof value === 'object') return undefined;
  const text = String(value).toLowerCase();
  if (['true', 'yes', 'on', '1', 'y', 't'].includes(text)) return true;
  return ['false', 'no', 'off', '0', 'n', 'f'].includes(text) ? false : undefined;
}

interface SshArguments {
  proxyJump?: string[];
  userKnownHostsFile?: string;
  strictHostKeyChecking?: string;
}

/** What of `ssh`'s options in `ansible_ssh_common_args` and `ansible_ssh_extra_args` means something here. */
function readSshArguments(context: ConnectionContext): SshArguments {
  const result: SshArguments = {};
  for (const name of ['ansible_ssh_common_args', 'ansible_ssh_extra_args']) {
    const written = readText(context, [name]);
    if (written === undefined) continue;
    try {
      const words = splitWords(written, shlexRules);
      for (let at = 0; at < words.length; at++) {
        const word = words[at] ?? '';
        const option = /^-([oJ])(.*)$/s.exec(word);
        if (option === null) context.warning(name, `${word} of ssh has no meaning here and is left out`);
        else {
          const value = option[2] === '' ? (words[++at] ?? '') : (option[2] ?? '');
          if (option[1] === 'J') result.proxyJump = readJumps(context, name, value);
          else readOption(context, name, value, result);
        }
      }
    } catch (error) {
      if (!(error instanceof UnfinishedWord)) throw error;
      context.problem(name, `cannot be split into words: ${error.message}`);
    }
  }
  return result;
}

/** Options of OpenSSH's own connection keeping; rollout keeps connections open by itself. */
const needless = new Set([
  'controlmaster',
  'controlpath',
  'controlpersist',
  'serveraliveinterval',
  'serveralivecountmax',
]);

function readOption(context: ConnectionContext, variable: string, written: string, result: SshArguments): void {
  const [, name = '', value = ''] = /^\s*(\w+)\s*[=\s]\s*([^]*)$/.exec(written) ?? [];
  switch (name.toLowerCase()) {
    case 'proxyjump':
      result.proxyJump = readJumps(context, variable, value);
      break;
    case 'userknownhostsfile':
      if (faultOfFile(value) !== undefined) context.problem(variable, `${name} ${faultOfFile(value) ?? ''}`);
      result.userKnownHostsFile = expandHome(value, context.env);
      break;
    case 'stricthostkeychecking':
      result.strictHostKeyChecking = value;
      break;
    case 'proxycommand': {
      const jump = jumpOfProxyCommand(value);
      if (jump === undefined)
        context.problem(
          variable,
          `only ssh -W %h:%p [-p PORT] [USER@]HOST can be a ProxyCommand; got ${value}. Use -J`,
        );
      else result.proxyJump = readJumps(context, variable, jump);
      break;
    }
    default:
      if (!needless.has(name.toLowerCase()))
        context.warning(variable, `-o ${written} of ssh has no meaning here and is left out`);
  }
}

function readJumps(context: ConnectionContext, variable: string, value: string): string[] {
  const jumps = value === 'none' ? [] : value.split(',').map((jump) => jump.trim());
  for (const jump of jumps.filter((each) => parseJump(each) === undefined))
    context.problem(variable, `a jump host is written [user@]host[:port]; got ${JSON.stringify(jump)}`);
  return jumps;
}

/** `ssh -W %h:%p -q user@bastion`: what people wrote before ProxyJump. */
function jumpOfProxyCommand(command: string): string | undefined {
  const words = splitWords(command, shlexRules);
  if (!/(?:^|\/)ssh$/.test(words[0] ?? '')) return undefined;
  let port = '';
  let user = '';
  let host: string | undefined;
  let forwards = false;
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '-W') forwards = words[++at] === '%h:%p';
    else if (word === '-p') port = `:${words[++at] ?? ''}`;
    else if (word === '-l') user = `${words[++at] ?? ''}@`;
    else if (/^-[qaxTC4-6]+$/.test(word)) continue;
    else if (word.startsWith('-') || host !== undefined) return undefined;
    else host = word;
  }
  return forwards && host !== undefined ? `${host.includes('@') ? '' : user}${host}${port}` : undefined;
}
