// Bundles the command line tool into dist/, or the folder that is named: one small entry, and chunks that are loaded
// when they are needed.
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { pack } from './pack.mjs';

/**
 * What of Node is loaded where it is first used: a command needs little of it, and all of it takes half as long as a Node.
 * The rest is there from Node's own start.
 */
const lateModules = 'child_process crypto dns fs/promises http https net readline/promises stream tls zlib';

/** Files for what is loaded together: the command line, all that reads a playbook, and what `run` and `plan` need beside it. */
const packs = {
  'cli.js': ['src/cli/program.ts'],
  'config.js': ['src/config/validate.ts'],
  'run.js': [
    'src/api/run.ts',
    'src/cli/stage.ts',
    'src/cli/plan.ts',
    'src/cli/perform.ts',
    'src/plan/reconcile.ts',
    'src/render/plan-text.ts',
    'src/render/output.ts',
    'src/api/resume.ts',
  ],
};
/** What must be there before the compiled code of the others can be. */
const first = ['src/cli/main.ts', 'src/cli/start.ts'];

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = join(root, process.argv[2] ?? 'dist');
const { version, bugs, repository } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

await mkdir(outdir, { recursive: true });
// All but the types, which npm has written just before it builds for a package.
const stale = (await readdir(outdir)).filter((name) => name !== 'types');
await Promise.all(stale.map((name) => rm(join(outdir, name), { recursive: true })));
await writePacked(await chunks());
await writeFile(join(outdir, 'package.json'), '{ "type": "commonjs" }\n');
await chmod(join(outdir, 'rollout.js'), 0o755);

/** What esbuild splits it must write as ES modules. */
async function chunks() {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { rollout: 'src/cli/main.ts', index: 'src/api/index.ts', sandbox: 'src/sandbox/index.ts' },
    outdir,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    sourcemap: 'inline',
    minifySyntax: true,
    legalComments: 'none',
    define: {
      __ROLLOUT_VERSION__: JSON.stringify(version),
      __ROLLOUT_BUGS__: JSON.stringify(bugs?.url ?? repository?.url ?? ''),
    },
    // Natives are optional, and minijinja loads its WebAssembly from beside itself.
    external: ['cpu-features', '*.node', 'minijinja-js'],
    // Of got's, for its option http2, which nobody sets: its module alone sets up TLS when it is loaded.
    alias: { 'http2-wrapper': join(root, 'scripts/no-http2.mjs') },
    plugins: [
      { name: 'commander', setup: commanderWithoutPrograms },
      { name: 'list-format', setup: listFormatsWhenUsed },
    ],
    logLevel: 'warning',
  });
  const entries = Object.entries(metafile.outputs).filter(([, { entryPoint }]) => entryPoint !== undefined);
  return { outputFiles, nameOf: new Map(entries.map(([path, { entryPoint }]) => [entryPoint, basename(path)])) };
}

function commanderWithoutPrograms({ onResolve }) {
  onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
    dirname(importer).endsWith('/commander/lib') ? { path: join(root, 'scripts/no-programs.cjs') } : undefined,
  );
}

/** See scripts/lazy-list-format.mjs. */
function listFormatsWhenUsed({ onLoad }) {
  onLoad({ filter: /@sindresorhus[\\/]is[\\/].*\.js$/ }, async ({ path }) => {
    const text = await readFile(path, 'utf8');
    if (!text.includes('Intl.ListFormat')) return undefined;
    const lazy = JSON.stringify(join(root, 'scripts/lazy-list-format.mjs'));
    return {
      contents: `import { LazyListFormat } from ${lazy};${text.replaceAll('Intl.ListFormat', 'LazyListFormat')}`,
    };
  });
}

async function writePacked({ outputFiles, nameOf }) {
  const chunks = new Map();
  for (const { path, text } of outputFiles) chunks.set(basename(path), await commonJs(text));
  const texts = new Map([...chunks].map(([name, { code }]) => [name, code]));
  const names = (entries) => entries.map((entry) => nameOf.get(entry));
  const entriesOf = Object.fromEntries(Object.entries(packs).map(([name, entries]) => [name, names(entries)]));
  for (const [name, { text, parts }] of pack(texts, entriesOf, names(first))) {
    await writeFile(join(outdir, name), `${text}//# sourceMappingURL=${name}.map\n`);
    const sections = parts.map(({ name, line }) => ({
      offset: { line, column: 0 },
      map: JSON.parse(chunks.get(name).map),
    }));
    await writeFile(join(outdir, `${name}.map`), JSON.stringify({ version: 3, sections }));
  }
}

/** Node starts CommonJS sooner: its loader of ES modules alone takes as long as half a Node. */
async function commonJs(text) {
  const { code, map } = await transform(text, {
    platform: 'node',
    format: 'cjs',
    target: 'node20.19',
    supported: { 'dynamic-import': false },
    sourcemap: 'external',
    logLevel: 'error',
  });
  return { code: withLateModules(code), map };
}

/** A source map is two columns off behind such a use. */
function withLateModules(code) {
  const names = new Set();
  const late = lateModules.replaceAll(' ', '|');
  const declaration = new RegExp(`^var (import_\\w+) = require\\(("node:(?:${late})")\\);$`, 'gm');
  const lazy = code.replace(declaration, (_, name, module) => {
    names.add(name);
    return `var ${name} = () => require(${module});`;
  });
  const used = lazy.replace(/\b(new )?(import_\w+)((?:\.\w+)+)/g, (use, isNew, name, path) => {
    if (!names.has(name)) return use;
    return isNew === undefined ? `${name}()${path}` : `new (${name}()${path})`;
  });
  // Passed on as a whole it would be the function that loads it.
  const [whole] = used.match(/(?<!^var )\bimport_\w+\b(?!\(\)\.| = )/gm)?.filter((name) => names.has(name)) ?? [];
  if (whole !== undefined) throw new Error(`${whole} is used as a whole, and cannot be loaded late`);
  return used;
}
