/** A value of the inspect document. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

/** As docker prints an empty list. */
export const orNull = (list: readonly Json[]): Json => (list.length === 0 ? null : list);

export interface Mount {
  readonly type: 'bind' | 'volume' | 'tmpfs';
  /** Path on the host, or the volume's name; empty for tmpfs, and for an anonymous volume until it is made. */
  readonly source: string;
  readonly destination: string;
  readonly mode: string;
  readonly writable: boolean;
  readonly propagation: string;
  /** Made with this container, by a path of the command line or of the image: `rm -v` takes it away. */
  readonly anonymous: boolean;
}

export interface NetworkAttachment {
  readonly network: string;
  readonly aliases: readonly string[];
  readonly ipv4: string | undefined;
}

/** A port of the container published on the host; hostPort 0: any. */
export interface PortBinding {
  readonly hostIp: string;
  readonly hostPort: number;
  /** As it was asked for: `8080`, `0`, or empty. */
  readonly writtenPort: string;
  readonly containerPort: number;
  readonly protocol: string;
}

/** What `docker create` was asked for. */
export interface ContainerSpec {
  readonly name: string | undefined;
  readonly image: string;
  /** Undefined: the image's. */
  readonly command: readonly string[] | undefined;
  /** Undefined: the image's; empty: none. */
  readonly entrypoint: readonly string[] | undefined;
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly exposedPorts: readonly string[];
  readonly ports: readonly PortBinding[];
  readonly mounts: readonly Mount[];
  readonly networks: readonly NetworkAttachment[];
  /** Keys of Config and HostConfig that differ from docker's defaults. */
  readonly config: JsonObject;
  readonly hostConfig: JsonObject;
}
