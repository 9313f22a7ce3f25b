/**
 * How a plain (unquoted) scalar reads.
 * `ansible`: as PyYAML does (YAML 1.1), for everything that Ansible reads too: `yes` is true, `0644` is 420, `12:30` is 750.
 * `core`: as Compose's parser (go-yaml) does, for playbooks and compositions: `yes` and `22:22` are text, `0644` is 420.
 * `compose`: the same, and a number keeps the text that Go gives it where ours is another: `1e6` is `1e+06`.
 */
export type ScalarRules = 'ansible' | 'core' | 'compose';

export function plainScalar(text: string, rules: ScalarRules): null | boolean | number | string {
  const first = text.charCodeAt(0);
  // Most scalars are words or addresses: decide by the first character before any regular expression runs.
  if (Number.isNaN(first) || text === '~') return null;
  if (first >= 0x61 /* a */ || (first >= 0x41 /* A */ && first <= 0x5a)) return plainWord(text, rules);
  if (rules === 'ansible') return ansibleNumber(text);
  return goNumber(text, rules);
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

/** Underscores mean nothing, a leading 0 is octal, 0b, 0o and 0x are what they say; 089 is a decimal fraction. */
function goNumber(text: string, rules: 'core' | 'compose'): number | string {
  if (rules === 'compose' && /^[-+]?\.(?:inf|Inf|INF)$/.test(text)) return text.startsWith('-') ? '-Inf' : '+Inf';
  if (rules === 'compose' && /^\.(?:nan|NaN|NAN)$/.test(text)) return 'NaN';
  if (!/^[-+]?(?:\d|\.\d)/.test(text)) return text;
  const digits = text.startsWith('.') ? text : text.replaceAll('_', '');
  const whole = /^([-+]?)(0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|0|[1-9]\d*)$/.exec(digits);
  if (whole !== null) {
    const magnitude = BigInt((whole[2] ?? '').replace(/^0(?=[0-7])/, '0o'));
    const value = whole[1] === '-' ? -magnitude : magnitude;
    if (magnitude <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    // Beyond what JavaScript counts exactly the text is kept: better than another number.
    if (value >= -(2n ** 63n) && value < 2n ** 64n) return String(value);
    if (rules === 'core') return text;
  }
  if (!/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(digits)) return text;
  const number = Number(digits);
  if (!Number.isFinite(number)) return text;
  if (rules === 'core') return number;
  const go = goFloat(number);
  return go === String(number) ? number : go;
}

/** A fraction as Go prints it: with an exponent of two digits from 1e+06 on and below 1e-04. */
function goFloat(number: number): string {
  if (Object.is(number, -0)) return '-0';
  const [mantissa = '', exponent = ''] = number.toExponential().split('e');
  const power = Number(exponent);
  if (number === 0 || (power >= -4 && power < 6)) return String(number);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
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
