import type { PortBinding } from './spec.ts';

export interface BoundPort<Owner> extends PortBinding {
  readonly owner: Owner;
}

const firstDynamicPort = 49_153;

/** Which container has which port of the host. */
export class PortTable<Owner> {
  #bound: readonly BoundPort<Owner>[] = [];
  /** Taken by nobody, as docker 20.10 leaves a port after some power failures. */
  readonly #leaked = new Set<number>();

  /**
   * Binds all of them or none; port 0 becomes a free one.
   * @returns what was bound, or the binding that is taken.
   */
  bind(owner: Owner, wanted: readonly PortBinding[]): { bound: readonly PortBinding[] } | { taken: PortBinding } {
    const bound: BoundPort<Owner>[] = [];
    for (const binding of wanted) {
      const hostPort = binding.hostPort === 0 ? this.#freePort() : binding.hostPort;
      const exact = { ...binding, hostPort, owner };
      const isTaken = [...this.#bound, ...bound].some((other) => overlap(other, exact));
      if (isTaken || this.#leaked.has(hostPort)) return { taken: exact };
      bound.push(exact);
    }
    this.#bound = [...this.#bound, ...bound];
    return { bound };
  }

  release(owner: Owner): void {
    if (this.#bound.length > 0) this.#bound = this.#bound.filter((binding) => binding.owner !== owner);
  }

  /** Whoever has it keeps it; nobody gets it after that. */
  leak(hostPort: number): void {
    this.#leaked.add(hostPort);
  }

  /** As a restart of the daemon does. */
  mendLeaks(): void {
    this.#leaked.clear();
  }

  find(hostPort: number): BoundPort<Owner> | undefined {
    return this.#bound.find((binding) => binding.hostPort === hostPort && binding.protocol === 'tcp');
  }

  #freePort(): number {
    let port = firstDynamicPort;
    while (this.#bound.some(({ hostPort }) => hostPort === port)) port += 1;
    return port;
  }
}

function overlap(a: PortBinding, b: PortBinding): boolean {
  const sameAddress = a.hostIp === b.hostIp || isAny(a.hostIp) || isAny(b.hostIp);
  return a.hostPort === b.hostPort && a.protocol === b.protocol && sameAddress;
}

const isAny = (address: string): boolean => address === '' || address === '0.0.0.0';
