/** A fleet that tests drive: the embedded sandbox or the lab's real hosts. One contract suite runs against both. */
export interface Fleet {
  readonly kind: 'sandbox' | 'lab';
  /** Inventory names, in order: `h1` … */
  readonly hosts: readonly string[];
  /** Scratch folder of this fleet: keys, known_hosts, inventory; a test may write playbooks here. */
  readonly dir: string;
  /** An inventory with group `web` of all hosts, ready to use: addresses, ports, user, key, known_hosts file. */
  readonly inventoryFile: string;
  /** What image names start with: `10.77.0.1:5000`. */
  readonly registry: string;
  /** The balancer's front end, and its stats page (without `;csv`). Backend `web`, servers named as the hosts. */
  readonly frontendUrl: string;
  readonly statsUrl: string;
  /**
   * Pushes an image of the test program to the fleet's registry: `publish('shop/app', '1.5', { APP_FAULT: 'crash' })`.
   * `volumes` are its VOLUMEs. Resolves to the full reference with its tag.
   */
  publish(
    repository: string,
    tag: string,
    env?: Readonly<Record<string, string>>,
    volumes?: readonly string[],
  ): Promise<string>;
  /** Runs a docker command (without the word docker) on a host, past rollout; resolves to its stdout. */
  docker(host: string, args: readonly string[]): Promise<string>;
  /** Gives a host's server this weight at the balancer, as an operator does at its runtime API: 0 gets no requests. */
  setWeight(host: string, weight: number): Promise<void>;
  /** Power failure, and power back (resolves when sshd and docker answer). */
  hostDown(host: string): Promise<void>;
  hostUp(host: string): Promise<void>;
  /** Takes the host's network away, and gives it back. */
  partition(host: string): Promise<void>;
  heal(host: string): Promise<void>;
  close(): Promise<void>;
}
