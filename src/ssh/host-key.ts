import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  fingerprint,
  judgeHostKey,
  keyTypeOf,
  linesAbout,
  type HostKeyVerdict,
  type KnownHost,
  type KnownHostLines,
} from './known-hosts.ts';
import { quoteArgv } from '../shell/quote.ts';
import { RemoteError } from './remote.ts';
import type { Target } from './target.ts';

/** Judges the key that a server shows, once a handshake and again at every rekey; it never asks and never waits. */
export class HostKeyCheck {
  /** A key that was taken on first sight, for known_hosts once the server has proved that it holds it. */
  acceptedKey: Buffer | undefined;
  /** Why the key was refused. */
  refusal: RemoteError | undefined;
  readonly #host: string;
  readonly #target: Target;
  readonly #lines: readonly KnownHost[];
  readonly #fallbackLines: readonly KnownHost[];

  constructor(host: string, target: Target, known: readonly KnownHostLines[]) {
    this.#host = host;
    this.#target = target;
    this.#lines = linesAbout(known, target.knownHostName);
    this.#fallbackLines = target.knownHostFallback === undefined ? [] : linesAbout(known, target.knownHostFallback);
  }

  /** Types that known_hosts holds for the host, to be asked for first. */
  get knownKeyTypes(): ReadonlySet<string> {
    const lines = this.#lines.some(({ marker }) => marker === undefined) ? this.#lines : this.#fallbackLines;
    return new Set(lines.filter(({ marker }) => marker === undefined).map(({ keyType }) => keyType));
  }

  accepts(key: Buffer): boolean {
    const verdict = this.#judge(key);
    switch (verdict.kind) {
      case 'trusted':
        return true;
      case 'unknown':
        if (this.acceptedKey !== undefined) return this.acceptedKey.equals(key);
        if (!this.#target.acceptNew) break;
        this.acceptedKey = Buffer.from(key);
        return true;
      case 'changed':
      case 'revoked':
    }
    this.refusal = refusal(this.#host, this.#target, verdict, key);
    return false;
  }

  #judge(key: Buffer): HostKeyVerdict {
    const verdict = judgeHostKey(this.#lines, key);
    if (verdict.kind !== 'unknown') return verdict;
    // Another server may well sit on the bare host's port 22, so only good and revoked keys count there.
    const fallback = judgeHostKey(this.#fallbackLines, key);
    return fallback.kind === 'trusted' || fallback.kind === 'revoked' ? fallback : verdict;
  }
}

function refusal(
  host: string,
  target: Target,
  verdict: Exclude<HostKeyVerdict, { kind: 'trusted' }>,
  key: Buffer,
): RemoteError {
  const shown = `${displayType(key)} key ${fingerprint(key)}`;
  const server = describeServer(target);
  switch (verdict.kind) {
    case 'revoked':
      return new RemoteError(
        host,
        'host_key_revoked',
        `${server} shows a revoked host key: ${shown}, marked @revoked at ${placeOf(verdict.entry)}.`,
        { hint: 'Do not connect. Find out why the key was revoked, and give the host a new one.' },
      );
    case 'changed':
      return new RemoteError(host, 'host_key_changed', changedMessage(target, verdict.known, shown), {
        hint:
          `If the host was reinstalled, check the new fingerprint on its console (${consoleCommand(key)}), then type:\n` +
          `  ${forgetCommand(target, verdict.known[0])}\n` +
          'and trust the new key. If not, somebody may be listening in: do not connect.',
      });
    case 'unknown':
      return new RemoteError(
        host,
        'host_key_unknown',
        `${server} is not in known_hosts. It shows the ${shown}.` +
          (verdict.authority === undefined
            ? ''
            : ` ${placeOf(verdict.authority)} trusts a certificate authority for it, but OpenSSH certificates are not supported.`),
        {
          hint:
            `Compare the fingerprint on the host's console (${consoleCommand(key)}); if it is the same, trust it with:\n` +
            `  ${trustCommand(target, key)}\n` +
            'or run again with --accept-new, which trusts every host that is seen for the first time.',
        },
      );
  }
}

function changedMessage(target: Target, known: readonly [KnownHost, ...KnownHost[]], shown: string): string {
  const sameType = known.filter(({ key }) => shown.startsWith(`${displayType(key)} `));
  const old = (sameType.length > 0 ? sameType : known)
    .map((entry) => `  known: ${displayType(entry.key)} key ${fingerprint(entry.key)}, ${placeOf(entry)}`)
    .join('\n');
  const unchecked = target.wantedNoChecking
    ? '\nStrictHostKeyChecking=no is read as accept-new: a key that changed is refused all the same.'
    : '';
  return `THE HOST KEY OF ${describeServer(target)} HAS CHANGED. Someone may be listening in, or the host was reinstalled.\n  shown: ${shown}\n${old}${unchecked}`;
}

export function describeServer(target: Target): string {
  return `${target.address} port ${target.port}`;
}

function placeOf({ file, line }: KnownHost): string {
  return line === 0 ? `${file} (added by this run)` : `${file}:${line}`;
}

/** `ED25519`, as ssh-keygen prints types. */
function displayType(key: Buffer): string {
  const type = keyTypeOf(key) ?? 'unknown';
  return type.startsWith('ecdsa-') ? 'ECDSA' : type.replace(/^ssh-/, '').toUpperCase();
}

function consoleCommand(key: Buffer): string {
  return `ssh-keygen -lf /etc/ssh/ssh_host_${displayType(key).toLowerCase()}_key.pub`;
}

function forgetCommand(target: Target, entry: KnownHost): string {
  return `ssh-keygen -R ${quoteName(target.knownHostName)} -f ${entry.file}`;
}

function trustCommand(target: Target, key: Buffer): string {
  const [file = '~/.ssh/known_hosts'] = target.knownHostsFiles;
  const line = `${target.knownHostName} ${keyTypeOf(key) ?? ''} ${key.toString('base64')}`;
  // Through a jump host, or under an alias, ssh-keyscan would ask the wrong machine for the wrong name.
  const folder = dirname(file);
  // A machine from which nobody has used ssh yet has none.
  const make = existsSync(folder) ? '' : `mkdir -p -m 700 ${quoteName(folder)} && `;
  return `${make}echo '${line}' >> ${quoteName(file)}`;
}

function quoteName(name: string): string {
  return /^[\w./~-]+$/.test(name) ? name : quoteArgv([name]);
}
