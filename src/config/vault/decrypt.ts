import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { header, VaultError } from './vault.ts';

/**
 * Decrypts what ansible-vault wrote (format 1.1 or 1.2, AES256): PBKDF2-SHA256 gives two keys and a counter, an HMAC
 * over the ciphertext proves the password, AES-CTR with PKCS#7 padding holds the text.
 * @throws VaultError for a wrong password, another format, or damage.
 */
export function decryptVault(text: string, password: string): string {
  const [first = '', ...lines] = text.trim().split(/\r?\n/);
  const [mark, version = '', cipher = ''] = first.trim().split(';');
  if (mark !== header) throw new VaultError(`it does not begin with ${header}`);
  if (version !== '1.1' && version !== '1.2')
    throw new VaultError(`format ${version} is not supported; 1.1 and 1.2 are`);
  if (cipher !== 'AES256') throw new VaultError(`the cipher ${cipher} is not supported; AES256 is`);
  const [salt, mac, ciphertext] = fromHex(lines.map((line) => line.trim()).join(''))
    .toString('latin1')
    .split('\n', 3);
  if (salt === undefined || mac === undefined || ciphertext === undefined)
    throw new VaultError('it is cut off or damaged');
  const keys = pbkdf2Sync(password, fromHex(salt), 10_000, 80, 'sha256');
  const data = fromHex(ciphertext);
  const expected = createHmac('sha256', keys.subarray(32, 64)).update(data).digest();
  const found = fromHex(mac);
  if (found.length !== expected.length || !timingSafeEqual(found, expected))
    throw new VaultError('the vault password does not fit it, or it is damaged');
  const decipher = createDecipheriv('aes-256-ctr', keys.subarray(0, 32), keys.subarray(64, 80));
  const padded = Buffer.concat([decipher.update(data), decipher.final()]);
  return padded.subarray(0, padded.length - (padded.at(-1) ?? 0)).toString('utf8');
}

function fromHex(text: string): Buffer {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new VaultError('it is cut off or damaged');
  return Buffer.from(text, 'hex');
}
