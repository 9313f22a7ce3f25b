import { isSensitive, isSensitiveText } from '../model/sensitive.ts';

/** What stands where a secret stood that no playbook can have as one. */
export const placeholder = 'CHANGE-ME';

const secretWord = 'passw|requirepass|masterauth|secret|token|api-?key';
const keyName = new RegExp(secretWord, 'i');
/** `--password`, whose value is the next word. */
const flag = new RegExp(String.raw`^--?[\w-]*(?:${secretWord})[\w-]*$`, 'i');
/** `--password=x` and, in a line for a shell, `--password x`. */
const flagWithValue = new RegExp(String.raw`(--?[\w-]*(?:${secretWord})[\w-]*[= ])\S+`, 'gi');
/** A word of which the secret is gone. */
const handled = new RegExp(String.raw`\S*${placeholder}\S*`, 'g');
const loginInUrl = /(:\/\/[^/\s:]*:)[^@\s]+(?=@)/g;

/** Whether an environment variable holds a secret, as far as name and value tell. */
export function isSecretVariable(name: string, value: string): boolean {
  if (value === '' || /^(?:true|false|yes|no|on|off|none)$/i.test(value)) return false;
  if (/_(?:file|path|dir)$/i.test(name) && value.startsWith('/')) return false;
  return isSensitive(name, value);
}

/** A key's value in which every text that looks like a secret is replaced; the very same where none does. */
export function withoutSecrets(value: unknown): unknown {
  if (typeof value === 'string') return masked(value);
  if (Array.isArray(value)) {
    const words = value.map((word: unknown, index) => {
      const before: unknown = value[index - 1];
      const isValue =
        typeof word === 'string' && !word.startsWith('-') && typeof before === 'string' && flag.test(before);
      return isValue ? placeholder : withoutSecrets(word);
    });
    return words.every((word, index) => word === value[index]) ? value : words;
  }
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]: [string, unknown]) => {
    const isNamed = typeof inner === 'string' && inner !== '' && keyName.test(key);
    return [key, isNamed ? placeholder : withoutSecrets(inner)] as const;
  });
  const isSame = entries.every(([key, inner]) => inner === (value as Readonly<Record<string, unknown>>)[key]);
  return isSame ? value : Object.fromEntries(entries);
}

function masked(text: string): string {
  const known = text.replace(loginInUrl, `$1${placeholder}`).replace(flagWithValue, `$1${placeholder}`);
  return isSensitiveText(known.replaceAll(handled, '')) ? placeholder : known;
}
