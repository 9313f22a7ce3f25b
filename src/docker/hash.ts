import { createHash } from 'node:crypto';
import { Secret } from '../model/secret.ts';
import type { Canonical, Service } from '../model/service.ts';

/** Old versions stay computable, so that a new rollout does not replace containers that are right. */
const versions: Readonly<Record<string, (service: Service) => unknown>> = {
  v1: ({ spec }) => hashable(spec),
};
export const currentHashVersion = 'v1';

/**
 * `v1:` and 32 hex digits over the service's canonical spec, the image aside. The same for any order of keys; secrets
 * enter by their own hash. `undefined` for a version that this rollout does not know.
 */
export function specHash(service: Service): string;
export function specHash(service: Service, version: string): string | undefined;
export function specHash(service: Service, version: string = currentHashVersion): string | undefined {
  const canonical = versions[version]?.(service);
  return canonical === undefined ? undefined : `${version}:${sha256(JSON.stringify(canonical)).slice(0, 32)}`;
}

/** Whether a container's `rollout.spec-hash` says that it was made from exactly this service. */
export function hasSpecHash(service: Service, label: string | undefined): boolean {
  const version = label?.split(':')[0];
  return version !== undefined && label === specHash(service, version);
}

/** What stands for a content that is not to be shown or is too long: 16 hex digits. */
export function fingerprint(content: string | Secret): string {
  return sha256(content instanceof Secret ? content.reveal() : content).slice(0, 16);
}

function hashable(value: Canonical): unknown {
  if (value instanceof Secret) return { $secret: sha256(value.reveal()) };
  if (Array.isArray(value)) return value.map((item: Canonical) => hashable(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => [key, hashable(item)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
