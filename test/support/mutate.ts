/** xorshift32: the same numbers on every machine. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const odd = [
  'null',
  '[]',
  '{}',
  '[null,5,"x"]',
  '{"a":1}',
  '"',
  '\\',
  '\x1e',
  '\r\n',
  '\n',
  '\0',
  '',
  '-1',
  '1e999',
  'é',
  '\ud800',
];
const words = ['Cannot connect to the Docker daemon', 'Welcome to prod\n', '{}\n', `15" screen\n`, '\x1b[2J'];

/** A tear, a hole, a repetition, noise, another value, a changed character. */
function mutateOnce(text: string, random: (below: number) => number): string {
  const at = random(text.length + 1);
  const length = 1 + random(random(4) === 0 ? 2000 : 20);
  const pick = (from: readonly string[]): string => from[random(from.length)] ?? '';
  switch (random(8)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
      return text.slice(0, at) + text.slice(at, at + length) + text.slice(at);
    case 3:
      return text.slice(0, at) + pick(words) + text.slice(at);
    case 4:
      return text.slice(0, at) + pick(odd) + text.slice(at + length);
    case 5:
      return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    case 6:
      return replaceValue(text, at, pick(odd));
    default:
      return removeLine(text, at);
  }
}

/** The value of the key that stands next. */
function replaceValue(text: string, at: number, value: string): string {
  const next = /"\w+": *("[^"\n]*"|[\w.-]+|\[\]|\{\})/g;
  next.lastIndex = at;
  const found = next.exec(text);
  if (found === null) return text;
  const end = next.lastIndex;
  return text.slice(0, end - (found[1] ?? '').length) + value + text.slice(end);
}

function removeLine(text: string, at: number): string {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const end = text.indexOf('\n', at);
  return text.slice(0, start) + (end === -1 ? '' : text.slice(end + 1));
}

/** What a host has printed, with one to three things changed. */
export function mutate(text: string, seed: number): string {
  const random = randomOf(seed);
  let mutated = text;
  for (let left = 1 + random(3); left > 0; left -= 1) mutated = mutateOnce(mutated, random);
  return mutated;
}
