import { createHash } from 'node:crypto';
import { Secret } from '../model/secret.ts';
import type { Canonical, Service } from '../model/service.ts';
import { serviceKey } from '../service/table.ts';

/**
 * Old versions stay computable, so that a new rollout does not replace containers that are right.
 * A version yields two parts: what only a new container can have, and what docker changes in living ones.
 */
const versions: Readonly<Record<string, (service: Service) => readonly [fixed: string, mutable: string]>> = {
  v1: ({ spec }) => {
    const isMutable = (key: string): boolean => serviceKey.get(key)?.container?.mutable === true;
    const part = (mutable: boolean): string =>
      sha256(
        JSON.stringify(
          hashable(Object.fromEntries(Object.entries(spec).filter(([key]) => isMutable(key) === mutable))),
        ),
      );
    return [part(false).slice(0, 24), part(true).slice(0, 8)];
  },
};
export const currentHashVersion = 'v1';

/**
 * `v1:` and two hex parts with a dot between, over the service's canonical spec, the image aside: 24 digits for what
 * only a new container can have, 8 for what docker changes in a living one (limits, restart, networks), whose label
 * stays as it was. The same for any order of keys; secrets enter by their own hash.
 * `undefined` for a version that this rollout does not know.
 */
export function specHash(service: Service): string;
export function specHash(service: Service, version: string): string | undefined;
export function specHash(service: Service, version: string = currentHashVersion): string | undefined {
  const parts = versions[version]?.(service);
  return parts && `${version}:${parts.join('.')}`;
}

/** What a container's `rollout.spec-hash` says of a service: `undefined` where it cannot be told. */
export function compareSpecHash(
  service: Service,
  label: string | undefined,
): { readonly sameFixed: boolean; readonly sameMutable: boolean } | undefined {
  const version = label?.split(':')[0] ?? '';
  const parts = versions[version]?.(service);
  if (parts === undefined || label === undefined) return undefined;
  const [fixed, mutable] = label.slice(version.length + 1).split('.');
  return { sameFixed: fixed === parts[0], sameMutable: mutable === parts[1] };
}

/** What stands for a content that is not to be shown or is too long: 16 hex digits. */
export function fingerprint(content: string | Secret, prefix: string): string {
  return sha256(prefix + (content instanceof Secret ? content.reveal() : content)).slice(0, 16);
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
