/** What dockerd answers with; the client puts `Error response from daemon: ` in front. */
export class DaemonError extends Error {}

/** No such container, image, network or volume; some client commands word it without naming the daemon. */
export class NotFoundError extends DaemonError {
  constructor(kind: 'container' | 'image' | 'network' | 'volume', reference: string) {
    super(`No such ${kind}: ${reference}`);
  }
}

/** The daemon was stopped while a command was under way. */
export class DaemonStopped extends Error {}

/** The host lost its power while a command was under way: nobody is left to answer. */
export class PowerLost extends Error {}
