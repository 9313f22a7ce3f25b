import type { KeptFile } from '../ssh/lock.ts';

/** A host that keeps what it is given. */
export interface Notebook {
  keep(file: KeptFile): void;
  /** Hears that the host could not keep something. */
  onUnkept: () => void;
}

/** Where what a run leaves on its hosts comes from. */
export interface Notes {
  /** The hosts of the run, once their locks are held. */
  attach(hosts: ReadonlyMap<string, Notebook>): void;
}
