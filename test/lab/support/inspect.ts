type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Document = Readonly<Record<string, Json>>;

/**
 * An inspect document with all that must differ between two containers of one service taken out: names, ids, times,
 * labels of the tools, and where docker writes one meaning in several ways. What is left compares equal.
 */
export function comparable(document: Readonly<Record<string, unknown>>): Json {
  const { Id, Name, Config, HostConfig, Mounts, NetworkSettings } = document as Document;
  const shortId = textOf(Id).slice(0, 12);
  const networks = ((NetworkSettings as Document)['Networks'] ?? {}) as Document;
  // Compose gives a container its own name as an alias, beside that of its service.
  const isCompose = 'com.docker.compose.service' in (((Config as Document)['Labels'] ?? {}) as Document);
  const ownNames = [shortId, ...(isCompose ? [textOf(Name).slice(1)] : [])];
  return withoutEmpty({
    Config: comparableConfig(Config as Document, shortId),
    HostConfig: comparableHostConfig(HostConfig as Document, networks),
    Mounts: comparableMounts(Mounts as readonly Document[]),
    Networks: comparableNetworks(networks, ownNames),
  });
}

/** `AttachStdout` says how a client that is gone would have looked on; `Image` names what `.Image` identifies. */
function comparableConfig({ Entrypoint, Cmd, Labels, Env, ...config }: Document, shortId: string): Document {
  const {
    AttachStdin: _i,
    AttachStdout: _o,
    AttachStderr: _e,
    StdinOnce: _s,
    Image: _image,
    // Since docker 25 it stands with the network.
    MacAddress: _mac,
    Hostname,
    ...rest
  } = config;
  return {
    ...rest,
    // One entrypoint word and the others before the command, or all of them as entrypoint: the same argv.
    Argv: [...texts(Entrypoint), ...texts(Cmd)],
    Env: [...texts(Env)].sort(),
    Hostname: Hostname === shortId ? '' : (Hostname ?? ''),
    Labels: Object.fromEntries(
      Object.entries(Labels ?? {}).filter(([name]) => !/^(?:rollout|com\.docker\.compose)\./.test(name)),
    ),
  };
}

function comparableHostConfig(config: Document, networks: Document): Document {
  const {
    ContainerIDFile: _file,
    ConsoleSize: _size,
    NetworkMode,
    RestartPolicy,
    Binds,
    Mounts,
    SecurityOpt,
    Tmpfs,
    CapAdd,
    ...rest
  } = config;
  const { Name, ...policy } = (RestartPolicy ?? {}) as Document;
  return {
    ...Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [name, inOrder.has(name) ? value : sortedTexts(value)]),
    ),
    NetworkMode: networkNamed(textOf(NetworkMode), networks),
    RestartPolicy: { ...policy, Name: Name === 'no' ? '' : (Name ?? '') },
    Mounts: mountsAsTheyAre(Mounts),
    Binds: [...texts(Binds), ...mountsAsBinds(Mounts)]
      .map((bind) => bind.replace(/([:,])(?:rw|rprivate)(?=,|$)/g, '').replace(/:$/, ''))
      .map(withSortedOptions)
      .sort(),
    Tmpfs: Object.fromEntries(
      Object.entries(Tmpfs ?? {}).map(([place, options]) => [place, String(options).split(',').sort().join()]),
    ),
    CapAdd: texts(CapAdd)
      .map((name) => name.replace(/^CAP_/, ''))
      .sort(),
    SecurityOpt: texts(SecurityOpt)
      .map((option) => option.replace(/[:=]true$/, '').replace(':', '='))
      .sort(),
  };
}

/** The name of a network that may be written as its id. */
function networkNamed(mode: string, networks: Document): string {
  if (mode === 'default') return 'bridge';
  if (!/^[0-9a-f]{64}$/.test(mode)) return mode;
  // A container that was never started does not say the id in 20.10: then it is the one that it was created with.
  const named = Object.entries(networks).find(([, network]) => (network as Document)['NetworkID'] === mode);
  return named?.[0] ?? Object.keys(networks)[0] ?? mode;
}

/** One meaning, asked for in two ways: as `data:/data:ro`, or as a mount. A mount that asks for more stays one. */
function bindOf(mount: Document): string | undefined {
  const { Type, Source, Target, ReadOnly, VolumeOptions, ...more } = withoutEmpty(mount) as Document;
  const { NoCopy, ...moreOptions } = (VolumeOptions ?? {}) as Document;
  if (Object.keys(more).length + Object.keys(moreOptions).length > 0 || (Type !== 'volume' && Type !== 'bind'))
    return undefined;
  const options = [...(ReadOnly === true ? ['ro'] : []), ...(NoCopy === true ? ['nocopy'] : [])];
  return [textOf(Source), textOf(Target), options.join()].join(':');
}

const mountsOf = (mounts: Json | undefined): readonly Document[] =>
  Array.isArray(mounts) ? (mounts as Document[]) : [];
/** Anonymous ones are told by what is mounted. */
const mountsAsBinds = (mounts: Json | undefined): readonly string[] =>
  mountsOf(mounts).flatMap((mount) => (mount['Source'] === undefined ? [] : (bindOf(mount) ?? [])));
const mountsAsTheyAre = (mounts: Json | undefined): readonly Json[] =>
  mountsOf(mounts).filter((mount) => bindOf(mount) === undefined);

function withSortedOptions(bind: string): string {
  const [source = '', target = '', options] = bind.split(':');
  return options === undefined ? bind : [source, target, options.split(',').sort().join()].join(':');
}

/** Lists of HostConfig whose order means something. */
const inOrder: ReadonlySet<string> = new Set(['Dns', 'DnsSearch']);

/** An anonymous volume has its id for a name; the mode repeats what RW and Propagation say. */
function comparableMounts(mounts: readonly Document[]): readonly Json[] {
  return mounts
    .map(({ Mode: _mode, ...mount }) =>
      /^[0-9a-f]{64}$/.test(textOf(mount['Name'])) ? { ...mount, Name: 'anonymous', Source: 'anonymous' } : mount,
    )
    .sort((a, b) => (textOf(a['Destination']) < textOf(b['Destination']) ? -1 : 1));
}

function comparableNetworks(networks: Document, ownNames: readonly string[]): Document {
  return Object.fromEntries(
    Object.entries(networks).map(([name, network]) => {
      const { Aliases, IPAMConfig, Links, DriverOpts } = network as Document;
      return [
        name,
        {
          Aliases: [...new Set(texts(Aliases))].filter((alias) => !ownNames.includes(alias)).sort(),
          IPAMConfig,
          Links,
          DriverOpts,
        } as Json,
      ];
    }),
  );
}

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const texts = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

function sortedTexts(value: Json): Json {
  if (!Array.isArray(value)) return value;
  return value.every((item) => typeof item === 'string')
    ? [...value].sort()
    : (value as Json[]).map(withSortedTexts).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** The lists within the items of a list, as the capabilities of a request for devices. */
function withSortedTexts(item: Json): Json {
  if (Array.isArray(item)) return sortedTexts(item);
  if (typeof item !== 'object' || item === null) return item;
  return Object.fromEntries(Object.entries(item).map(([key, value]) => [key, sortedTexts(value)]));
}

/** Docker writes nothing as null, false, 0, an empty text, list or map, as it comes. */
function withoutEmpty(value: Json): Json {
  if (Array.isArray(value)) return (value as Json[]).map(withoutEmpty);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, withoutEmpty(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => !isEmpty(item)));
}

function isEmpty(value: Json | undefined): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === undefined || value === null || value === false || value === 0 || value === '';
}
