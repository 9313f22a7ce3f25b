/**
 * How a plain (unquoted) scalar reads.
 * `ansible`: as PyYAML does (YAML 1.1), for everything that Ansible reads too: `yes` is true, `0644` is 420, `12:30` is 750.
 * `core`: YAML 1.2, as Compose reads its files, for playbooks and compositions: `yes` is text, `22:22` is a port mapping.
 */
export type ScalarRules = 'ansible' | 'core';

export function plainScalar(text: string, rules: ScalarRules): null | boolean | number | string {
  const first = text.charCodeAt(0);
  // Most scalars are words or addresses: decide by the first character before any regular expression runs.
  if (Number.isNaN(first) || text === '~') return null;
  if (first >= 0x61 /* a */ || (first >= 0x41 /* A */ && first <= 0x5a)) return plainWord(text, rules);
  return rules === 'ansible' ? ansibleNumber(text) : coreNumber(text);
}

const words = new Map<string, null | boolean>(
  ['null', 'Null', 'NULL'].map((word): [string, null | boolean] => [word, null]),
);
for (const word of ['true', 'True', 'TRUE']) words.set(word, true);
for (const word of ['false', 'False', 'FALSE']) words.set(word, false);

const ansibleWords = new Map(words);
for (const word of ['yes', 'Yes', 'YES', 'on', 'On', 'ON']) ansibleWords.set(word, true);
for (const word of ['no', 'No', 'NO', 'off', 'Off', 'OFF']) ansibleWords.set(word, false);

function plainWord(text: string, rules: ScalarRules): null | boolean | string {
  if (text.length > 5) return text;
  const word = (rules === 'ansible' ? ansibleWords : words).get(text);
  return word === undefined ? text : word;
}

function ansibleNumber(text: string): number | string {
  const digits = text.replaceAll('_', '');
  if (/^[-+]?0b[01_]+$/.test(text)) return signed(digits, (unsigned) => parseInt(unsigned.slice(2), 2), text);
  if (/^[-+]?0x[0-9a-fA-F_]+$/.test(text)) return signed(digits, (unsigned) => parseInt(unsigned.slice(2), 16), text);
  if (/^[-+]?0[0-7_]+$/.test(text)) return signed(digits, (unsigned) => parseInt(unsigned, 8), text);
  if (/^[-+]?(?:0|[1-9][0-9_]*)$/.test(text)) return signed(digits, Number, text);
  if (/^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/.test(text)) return signed(digits, sexagesimal, text);
  if (/^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*$/.test(text)) return signed(digits, sexagesimal, text);
  if (/^(?:[-+]?[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+][0-9]+)?$/.test(text)) return Number(digits);
  return text;
}

function coreNumber(text: string): number | string {
  if (/^[-+]?[0-9]+$/.test(text)) return signed(text, Number, text);
  if (/^0o[0-7]+$/.test(text) || /^0x[0-9a-fA-F]+$/.test(text)) return signed(text, Number, text);
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return Number(text);
  return text;
}

/** A whole number beyond what JavaScript counts exactly stays the text that was written: better than another number. */
function signed(digits: string, read: (unsigned: string) => number, written: string): number | string {
  const negative = digits.startsWith('-');
  const unsigned = /^[-+]/.test(digits) ? digits.slice(1) : digits;
  const value = read(unsigned);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return written;
  return negative && value !== 0 ? -value : value;
}

function sexagesimal(unsigned: string): number {
  return unsigned.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
