// Chunks that are always loaded together, in one file: each file that Node looks for, opens and compiles costs more than
// what most chunks do when they are loaded.

const required = /\brequire\("\.\/([\w-]+\.js)"\)/g;

/**
 * @param files name → CommonJS text of every chunk
 * @param packs name → entries of the pack, in the order of loading: a chunk is in the first pack whose entries need it
 * @param alone entries that stay files, with what they need
 * @returns name → text, and the chunks of it with the line, from 0, where each begins
 */
export function pack(files, packs, alone) {
  const placeOf = new Map([...closure(files, alone)].map((name) => [name, undefined]));
  const packed = Object.entries(packs).map(([packName, entries]) => {
    const chunks = [...closure(files, entries)].filter((name) => !placeOf.has(name));
    for (const name of chunks) placeOf.set(name, packName);
    return { packName, chunks };
  });
  const placed = (text, own) =>
    text.replace(required, (call, name) => {
      const packName = placeOf.get(name);
      if (packName === undefined) return call;
      return packName === own ? `__packed("${name}")` : `require("./${packName}")("${name}")`;
    });
  const results = new Map();
  for (const [name, text] of files)
    if (placeOf.get(name) === undefined) results.set(name, { text: placed(text), parts: [{ name, line: 0 }] });
  for (const { packName, chunks } of packed) {
    let text = 'const chunks = {\n';
    const parts = [];
    for (const name of chunks) {
      // In parentheses V8 compiles it with the file, and reads it once.
      text += `"${name}": (function (module, exports) {\n`;
      parts.push({ name, line: text.split('\n').length - 1 });
      text += `${placed(files.get(name), packName)}}),\n`;
    }
    results.set(packName, { text: `${text}};\n${loader}`, parts });
  }
  return results;
}

const loader = `const modules = new Map();
function __packed(name) {
  let module = modules.get(name);
  if (module === undefined) {
    modules.set(name, (module = { exports: {} }));
    chunks[name](module, module.exports);
  }
  return module.exports;
}
module.exports = __packed;
`;

/** What is loaded with these, in the order of loading; what they only may load later is left out. */
function closure(files, entries) {
  const found = new Set();
  const visit = (name) => {
    if (found.has(name)) return;
    found.add(name);
    for (const line of files.get(name).split('\n')) {
      if (line.includes('Promise.resolve()')) continue;
      for (const [, needed] of line.matchAll(required)) visit(needed);
    }
  };
  for (const name of entries) visit(name);
  return found;
}
