import type { Secret } from './secret.ts';

/** A value as inventories and playbooks hold it. */
export type Value = null | boolean | number | string | Secret | readonly Value[] | { readonly [key: string]: Value };
export type Vars = Readonly<Record<string, Value>>;

/** How commands become root's (or another user's) on a host. */
export interface Become {
  readonly method: 'sudo';
  /** `root` unless `ansible_become_user` says otherwise. */
  readonly user: string;
  readonly password?: Secret;
}

/** How a host is reached. What is undefined comes from ssh_config, then from OpenSSH's defaults. */
export type ConnectionSettings =
  | {
      readonly kind: 'ssh';
      /** `ansible_host`, else the inventory name: an address, a DNS name or an alias of ssh_config. */
      readonly address: string;
      readonly port?: number;
      readonly user?: string;
      readonly password?: Secret;
      readonly privateKeyFile?: string;
      /** Jump hosts in order, as in `ssh -J`: `[user@]host[:port]`. */
      readonly proxyJump?: readonly string[];
      /** From `ansible_ssh_common_args`: a known_hosts file and the StrictHostKeyChecking value, when given. */
      readonly userKnownHostsFile?: string;
      readonly strictHostKeyChecking?: string;
      readonly become?: Become;
    }
  | { readonly kind: 'local'; readonly become?: Become };

/** A host of the inventory, with its variables after precedence. */
export interface Host {
  /** `inventory_hostname`. */
  readonly name: string;
  readonly groups: readonly string[];
  readonly vars: Vars;
  readonly connection: ConnectionSettings;
}

/** What a host says about itself (`docker info`). */
export interface Facts {
  readonly hostname: string;
  readonly cpus: number;
  readonly memory_mb: number;
  /** As `docker info` prints it: `x86_64`, `aarch64`. */
  readonly arch: string;
  readonly os: string;
  readonly docker_version: string;
}
