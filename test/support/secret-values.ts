import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto';

/** Secrets of every kind that has gone wrong somewhere, by name. Those in `files` have several lines. */
export const secretValues: Readonly<Record<string, string>> = {
  plain: 'correct-horse-battery',
  prefix: 'correct-horse-battery-staple',
  quotes: `it's "quoted" \\ and \`ticked\``,
  spaces: 'three words  here',
  dollars: 'pa$$word-${HOME}-$(id)',
  unicode: 'pässwörd-密码-🔑',
  base64: 'c2VjcmV0LXZhbHVlLWxvb2tz+/8=',
  markup: '<b>&amp;"secret"</b>',
  url: 'a/b?c=d&e=f%20g#h',
  long: Array.from({ length: 40 }, (_, index) => `long${index * 7919}`).join('-'),
  vaulted: '!vaulted: {value} [x]',
  extra: 'from-an-encrypted-file-of-extra-vars',
};

/** With line ends, for files only: an environment file cannot hold them. */
export const keyFile = '-----BEGIN KEY-----\nMIIEpAIBAAKCAQEAsecretkeyline\nsecond-line-of-the-key\n-----END KEY-----';

/** How a value may stand in somebody's output; written down here anew, so that the redactor is not its own judge. */
export function tracesOf(value: string): readonly string[] {
  const lines = value.split('\n').filter((line) => !line.startsWith('-----'));
  return lines.flatMap((line) => [
    line,
    Buffer.from(line).toString('base64').replace(/=+$/, ''),
    encodeURIComponent(line),
    JSON.stringify(line).slice(1, -1),
    line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;'),
  ]);
}

/** The names of the secrets that a text shows. */
export function leaksIn(text: string): readonly string[] {
  return Object.entries({ ...secretValues, keyFile })
    .filter(([, value]) => tracesOf(value).some((trace) => text.includes(trace)))
    .map(([name]) => name);
}

/** As `ansible-vault encrypt` writes it. */
export function vaultText(text: string, password: string): string {
  const salt = Buffer.alloc(32, 7);
  const keys = pbkdf2Sync(password, salt, 10_000, 80, 'sha256');
  const cipher = createCipheriv('aes-256-ctr', keys.subarray(0, 32), keys.subarray(64, 80));
  const padding = 16 - (Buffer.byteLength(text) % 16);
  const encrypted = Buffer.concat([
    cipher.update(Buffer.concat([Buffer.from(text), Buffer.alloc(padding, padding)])),
    cipher.final(),
  ]);
  const mac = createHmac('sha256', keys.subarray(32, 64)).update(encrypted).digest('hex');
  const body = Buffer.from([salt.toString('hex'), mac, encrypted.toString('hex')].join('\n')).toString('hex');
  return `$ANSIBLE_VAULT;1.1;AES256\n${body.match(/.{1,80}/g)?.join('\n') ?? ''}\n`;
}
