import { withoutUrlCredentials } from '../model/credentials.ts';
import { Secret } from '../model/secret.ts';

const longest = 60;

/** A value as an error shows it: short, and never a secret's text. */
export function show(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (value instanceof Secret) return 'a secret';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'secret' in value ? 'a secret' : 'a mapping';
  if (value === '') return 'an empty text';
  const text = typeof value === 'string' ? JSON.stringify(withoutUrlCredentials(value)) : printed(value);
  return text.length > longest ? `${text.slice(0, longest - 3)}…` : text;
}

function printed(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : typeof value;
}
