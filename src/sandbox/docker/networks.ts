import { DaemonError, NotFoundError } from './errors.ts';
import type { JsonObject } from './spec.ts';

export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ipv6: boolean;
  /** As it was asked for; docker fills in what it lacks. */
  readonly ipam: JsonObject;
  readonly createdAtMs: number;
  /** 172.N.0.0/16. */
  readonly subnet: number;
}

const predefined = ['bridge', 'host', 'none'];
const firstSubnet = 17;

/** A host's networks; the three that docker makes itself are not kept until somebody asks for them. */
export class Networks {
  readonly #nextId: () => string;
  readonly #own: Network[] = [];
  #builtIn: readonly Network[] | undefined;

  constructor(nextId: () => string) {
    this.#nextId = nextId;
  }

  all(): readonly Network[] {
    this.#builtIn ??= predefined.map((name) => ({
      id: this.#nextId(),
      name,
      driver: name === 'none' ? 'null' : name,
      labels: {},
      options: {},
      internal: false,
      attachable: false,
      ipv6: false,
      ipam: {},
      createdAtMs: 0,
      subnet: firstSubnet,
    }));
    return [...this.#builtIn, ...this.#own];
  }

  /** By name, id or the beginning of an id. */
  find(reference: string): Network | undefined {
    return this.all().find(({ name, id }) => name === reference || (reference.length > 3 && id.startsWith(reference)));
  }

  /** @throws DaemonError when the name is taken. */
  create(wanted: Omit<Network, 'id' | 'subnet'>): Network {
    if (this.find(wanted.name) !== undefined) {
      throw new DaemonError(`network with name ${wanted.name} already exists`);
    }
    const network = { ...wanted, id: this.#nextId(), subnet: firstSubnet + 1 + this.#own.length };
    this.#own.push(network);
    return network;
  }

  /** @throws DaemonError while containers use it. */
  remove(reference: string, inUse: (network: Network) => boolean): void {
    const network = this.find(reference);
    if (network === undefined) throw new NotFoundError('network', reference);
    if (predefined.includes(network.name)) {
      throw new DaemonError(`${network.name} is a pre-defined network and cannot be removed`);
    }
    if (inUse(network)) {
      throw new DaemonError(
        `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
      );
    }
    this.#own.splice(this.#own.indexOf(network), 1);
  }
}

/** As `docker network inspect` prints it, without the containers on it. */
export function networkDocument(network: Network, created: string, containers: JsonObject): JsonObject {
  const config =
    network.driver === 'bridge'
      ? [{ Subnet: `172.${network.subnet}.0.0/16`, Gateway: `172.${network.subnet}.0.1` }]
      : [];
  return {
    Name: network.name,
    Id: network.id,
    Created: created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv6: network.ipv6,
    IPAM: { Driver: 'default', Options: {}, Config: config, ...network.ipam },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: containers,
    Options: network.options,
    Labels: network.labels,
  };
}
