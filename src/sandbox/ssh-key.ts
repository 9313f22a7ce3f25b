import { generateKeyPairSync } from 'node:crypto';

/** An ed25519 key pair as OpenSSH writes it. */
export interface SshKey {
  /** A private key file. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…`, as in known_hosts. */
  readonly publicKey: string;
  /** The public key's bytes, as they stand in the protocol. */
  readonly blob: Buffer;
}

const keyType = 'ssh-ed25519';
// Only to recognise a wrong passphrase by; there is none.
const checkNumber = 0x5a_6b_7c_8d;
const blockBytes = 8;
const keyBytes = 32;

/** Made here because ssh2's own generator writes, once in some hundred keys, one that its parser refuses. */
export function generateSshKey(): SshKey {
  // Encoded as it is made: Node 20 waits for itself for ever when it collects garbage while it exports the key afterwards.
  const pair = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  // Both encodings of an ed25519 key end with its 32 bytes (RFC 8410).
  const [secret, point] = [pair.privateKey.subarray(-keyBytes), pair.publicKey.subarray(-keyBytes)];
  const blob = Buffer.concat([text(keyType), text(point)]);
  const check = uint32(checkNumber);
  const secrets = Buffer.concat([check, check, blob, text(Buffer.concat([secret, point])), text('')]);
  const padding = Buffer.from(
    Array.from({ length: (blockBytes - (secrets.length % blockBytes)) % blockBytes }, (_, index) => index + 1),
  );
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...['none', 'none', ''].map(text),
    uint32(1),
    text(blob),
    text(Buffer.concat([secrets, padding])),
  ]);
  const lines = whole.toString('base64').replace(/.{70}/g, '$&\n').trim();
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `${keyType} ${blob.toString('base64')}`,
    blob,
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** SSH's string: its length, then its bytes. */
function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}
