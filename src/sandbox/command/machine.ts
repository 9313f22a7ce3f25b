import type { Clock } from '../../model/clock.ts';
import type { Engine } from '../docker/engine.ts';
import type { CommandInterposer } from './interposer.ts';
import type { HostLock } from './host-lock.ts';

/** What commands find on a host. */
export interface HostMachine {
  readonly name: string;
  readonly clock: Clock;
  readonly engine: Engine;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly lock: HostLock;
  /** By path; survives a power failure. */
  readonly files: Map<string, Buffer>;
  /** The docker command exists. */
  readonly hasDocker: boolean;
  /** Another one at every boot. */
  readonly bootId: string;
  /** Goes down at once, and comes back by itself. */
  readonly reboot: () => Promise<void>;
  /** What sudo asks for; undefined: it asks for nothing. */
  readonly sudoPassword: string | undefined;
  /** What a test has put between commands and whoever sends them. */
  readonly interpose: CommandInterposer | undefined;
}
