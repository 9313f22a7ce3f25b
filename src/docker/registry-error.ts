/** What is wrong with a registry, or with an image in it. */
export type RegistryErrorKind =
  | 'unreachable' // name lookup, refused, no TLS, a certificate that is not trusted
  | 'slow' // no answer in time
  | 'unauthorized'
  | 'rate_limited'
  | 'not_found' // no such tag, digest or repository
  | 'platform_missing'
  | 'failed'; // any other answer

/** A registry that did not give what was asked of it. Nothing on any host has been touched by then. */
export class RegistryError extends Error {
  readonly registry: string;
  readonly kind: RegistryErrorKind;
  /** What to type or change. */
  readonly hint: string | undefined;
  /** Of one that was asked too often: how long it wants to be left alone, where it says so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    registry: string,
    kind: RegistryErrorKind,
    message: string,
    options: { hint?: string; cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RegistryError';
    this.registry = registry;
    this.kind = kind;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
  }
}
