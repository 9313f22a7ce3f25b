import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

/** Strongest first. Named one by one, because ssh2's own lists still hold ssh-rsa (SHA-1) and hmac-sha1. */
const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/**
 * What is offered to a server, host key types known for it first: else a host with several keys shows one that
 * known_hosts does not hold, and looks like an attack.
 */
export function offeredAlgorithms(knownKeyTypes: ReadonlySet<string>): Algorithms {
  const isKnown = (algorithm: string) =>
    knownKeyTypes.has(algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm) ? 0 : 1;
  return {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group-exchange-sha256',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group18-sha512',
      'diffie-hellman-group14-sha256',
    ],
    serverHostKey: hostKeyAlgorithms.toSorted((one, other) => isKnown(one) - isKnown(other)),
    // AES-GCM first: node's OpenSSL runs it on the CPU's own instructions.
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
      'chacha20-poly1305@openssh.com',
    ],
    hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    compress: ['none'],
  };
}
