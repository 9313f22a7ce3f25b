import { registryOfKey } from '../../model/image.ts';
import type { RegistryCredentials } from '../../model/play.ts';
import { partAt, problemIn } from '../document.ts';
import type { Head } from './head.ts';
import { credentialOf } from './play-balancer.ts';
import type { PlayContext } from './play-context.ts';

/** What the playbook says of registries, by the names that images have for them. */
export function registriesOf(head: Head, context: PlayContext): RegistryCredentials[] {
  const keys = new Map<string, string>();
  return Object.entries(head.registrySettings).map(([written, { username, password: writtenPassword, insecure }]) => {
    const key = head.registryNames.get(written) ?? written;
    const registry = registryOfKey(key);
    const trouble = keyTrouble(key, registry, insecure) ?? repeated(keys.get(registry));
    if (trouble !== undefined) {
      context.problems.add(problemIn(head.registries, [written], `${trouble}; got ${JSON.stringify(key)}`, true));
    }
    keys.set(registry, key);
    const password = credentialOf(partAt(head.registries, written, 'password'), writtenPassword, context);
    return {
      registry,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(insecure ? { insecure } : {}),
    };
  });
}

/**
 * Docker's own way to write a key is fine too (`https://index.docker.io/v1/`), as long as it means what it says: a login
 * is good for a whole registry, and `http://` alone does not turn TLS off.
 */
function keyTrouble(key: string, registry: string, insecure: boolean): string | undefined {
  // A template that could not be rendered has been reported.
  if (key.includes('{{')) return undefined;
  if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/.test(registry))
    return 'must be the host of a registry, with its port if it has one, as in image names';
  const [, path = ''] = /^(?:https?:\/\/)?[^/]*(?:\/(.*))?$/is.exec(key) ?? [];
  if (!/^(?:v[12]\/?)?$/.test(path))
    return `a login holds for a whole registry, not for a part of it: write ${registry}`;
  if (/^http:/i.test(key) && !insecure)
    return `a registry is spoken to over TLS: write ${registry}, with insecure: true if it has none`;
  return undefined;
}

function repeated(other: string | undefined): string | undefined {
  return other === undefined ? undefined : `is the same registry as ${JSON.stringify(other)}; keep one of them`;
}
