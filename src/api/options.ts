/** What decides what a run does: Ansible's names where Ansible has one. */
export interface PlaybookOptions {
  /** Files, folders, scripts or comma lists; instead of what the playbook names. */
  readonly inventory: readonly string[];
  /** A pattern of hosts: only these. */
  readonly limit?: string;
  /** `k=v`, JSON or `@FILE`; they win over every other variable. */
  readonly extraVars: readonly string[];
  /** A composition's file, instead of the playbook's. */
  readonly composition?: string;
  /** Only services and tasks with these tags. */
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  /** Images that the controller sends to hosts: `IMAGE` from its docker, `IMAGE=FILE` from an archive. */
  readonly push: readonly string[];
  /** Connect as this user. */
  readonly user?: string;
  /** Authenticate with the key in this file. */
  readonly privateKey?: string;
  /** Run commands with sudo. */
  readonly become: boolean;
  readonly vaultPasswordFile?: string;
  readonly askVaultPass: boolean;
}

/** A pattern that a command takes by itself. */
export interface HostPattern {
  /** Of the hosts that `limit` leaves, only these. */
  readonly pattern?: string;
}

/** How hosts are connected to. */
export interface ConnectionOptions {
  /** Hosts worked on at once before the rollout. */
  readonly forks: number;
  /** Trust the keys of hosts that known_hosts does not know; a changed key is refused all the same. */
  readonly acceptNew: boolean;
  /** Milliseconds to wait for another run on the same hosts; 0: fail at once. */
  readonly lockTimeout: number;
}

/** The longest reason that a journal keeps in a line of its own. */
export const mostReasonLength = 500;

export const defaultOptions: PlaybookOptions & ConnectionOptions = {
  inventory: [],
  extraVars: [],
  tags: [],
  skipTags: [],
  push: [],
  become: false,
  askVaultPass: false,
  forks: 50,
  acceptNew: false,
  lockTimeout: 0,
};

/** Only what decides what a run does, of options that hold more; not `-e`, whose values may be passwords. */
export function playbookOptionsOf(
  options: PlaybookOptions,
): Omit<PlaybookOptions, 'extraVars' | 'push'> & Partial<Pick<PlaybookOptions, 'push'>> {
  const {
    inventory,
    limit,
    composition,
    tags,
    skipTags,
    push,
    user,
    privateKey,
    become,
    vaultPasswordFile,
    askVaultPass,
  } = options;
  return {
    inventory,
    tags,
    skipTags,
    ...(push.length === 0 ? {} : { push }),
    become,
    askVaultPass,
    ...(limit === undefined ? {} : { limit }),
    ...(composition === undefined ? {} : { composition }),
    ...(user === undefined ? {} : { user }),
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(vaultPasswordFile === undefined ? {} : { vaultPasswordFile }),
  };
}

/** Without the keys that are there and undefined: they must not hide a default. */
export function given<T extends object>(options: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
}
