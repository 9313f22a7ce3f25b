// Bundles the command line tool into dist/, or the folder that is named: one small entry, and chunks that are loaded
// when they are needed.
import { chmod, readFile, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url);
const outdir = process.argv[2] ?? 'dist';
const { version } = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));

await rm(new URL(outdir, root), { recursive: true, force: true });
await build({
  absWorkingDir: root.pathname,
  entryPoints: { rollout: 'src/cli/main.ts' },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  sourcemap: 'linked',
  minifySyntax: true,
  legalComments: 'none',
  define: { __ROLLOUT_VERSION__: JSON.stringify(version) },
  // Natives are optional, and minijinja loads its WebAssembly from beside itself.
  external: ['cpu-features', '*.node', 'minijinja-js'],
  banner: {
    // CommonJS packages inside an ES module bundle still ask for these three.
    js: [
      "import { createRequire as __createRequire } from 'node:module';",
      "import { fileURLToPath as __fileURLToPath } from 'node:url';",
      'const require = __createRequire(import.meta.url);',
      'const __filename = __fileURLToPath(import.meta.url);',
      "const __dirname = __fileURLToPath(new URL('.', import.meta.url));",
    ].join('\n'),
  },
  logLevel: 'warning',
});
await chmod(new URL(`${outdir}/rollout.js`, root), 0o755);
