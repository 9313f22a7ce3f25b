/** Where an image was built from, as its labels say it; nobody has checked it. */
export interface BuiltFrom {
  readonly revision?: string;
  /** Of the repository: `https://…` without a user in it. */
  readonly url?: string;
}

type Labels = Readonly<Record<string, string>>;

export function builtFrom(labels: Labels): BuiltFrom {
  const revision = first(labels, ['org.opencontainers.image.revision', 'org.label-schema.vcs-ref']);
  const url = repositoryUrl(first(labels, ['org.opencontainers.image.source', 'org.label-schema.vcs-url']));
  return {
    ...(revision !== undefined && /^[\w./-]{1,100}$/.test(revision) ? { revision } : {}),
    ...(url === undefined ? {} : { url }),
  };
}

/** Where the commits between two images can be read, on the hosts whose addresses for it are known. */
export function commitsLink(from: BuiltFrom, to: BuiltFrom): string | undefined {
  const { url } = to;
  if (url === undefined || from.url !== url || from.revision === undefined || to.revision === undefined)
    return undefined;
  if (from.revision === to.revision) return undefined;
  const range = `${encodeURIComponent(from.revision)}...${encodeURIComponent(to.revision)}`;
  const { hostname } = new URL(url);
  if (hostname.includes('gitlab')) return `${url}/-/compare/${range}`;
  return hostname === 'github.com' || /gitea|forgejo|codeberg/.test(hostname) ? `${url}/compare/${range}` : undefined;
}

function repositoryUrl(written: string | undefined): string | undefined {
  // The short form of git: git@host:path.
  const asUrl = written?.trim().replace(/^git@([\w.-]+):/, 'https://$1/') ?? '';
  if (!URL.canParse(asUrl)) return undefined;
  const url = new URL(asUrl);
  if (!/^https?:$/.test(url.protocol)) return undefined;
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\.git$/, '')}`;
}

function first(labels: Labels, keys: readonly string[]): string | undefined {
  return keys.map((key) => labels[key]?.trim()).find((value) => value !== undefined && value !== '');
}
