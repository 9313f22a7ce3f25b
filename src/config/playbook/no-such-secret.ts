import type { Secret } from '../../model/secret.ts';
import { didYouMean } from '../../model/closest.ts';

export function noSuchSecret(name: string, secrets: ReadonlyMap<string, Secret>): string {
  return `there is no secret ${name}; define it under secrets of the playbook${didYouMean(name, secrets.keys())}`;
}
