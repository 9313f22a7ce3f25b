// Writes the types of the package's entries to dist/types: for `npm pack` only, as nobody needs them to run the tool.
import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const types = join(root, 'dist', 'types');

await rm(types, { recursive: true, force: true });
await promisify(execFile)('npx', ['--no-install', 'tsc', '-p', 'tsconfig.types.json'], { cwd: root });
for (const entry of await readdir(types, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath, entry.name);
  // The compiler leaves the endings of the sources, which a package does not hold.
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(/((?:from|import\()\s*')(\.{1,2}\/[^']+)\.ts'/g, "$1$2.js'"));
}
