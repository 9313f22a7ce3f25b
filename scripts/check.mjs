// Types, lint, format, dependency rules and dead code: all of them, side by side, and every failure shown.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const checks = {
  types: ['tsc', '--noEmit'],
  'package types': ['tsc', '-p', 'tsconfig.types.json', '--outDir', 'node_modules/.cache/package-types'],
  lint: ['eslint', '.', '--max-warnings', '0'],
  format: ['prettier', '--check', '.', '--log-level', 'warn'],
  dependencies: ['depcruise', 'src', '--output-type', 'err'],
  'dead code': ['knip', '--no-progress'],
};

const results = await Promise.all(
  Object.entries(checks).map(async ([name, [command, ...args]]) => {
    const started = Date.now();
    const outcome = await run('npx', ['--no-install', command, ...args], { maxBuffer: 64 << 20 }).then(
      ({ stdout, stderr }) => ({ ok: true, output: stdout + stderr }),
      (error) => ({ ok: false, output: `${error.stdout ?? ''}${error.stderr ?? ''}` || String(error) }),
    );
    // A cruise that read nothing would pass everything.
    if (name === 'dependencies' && outcome.ok && !/\([1-9]\d* modules/.test(outcome.output)) outcome.ok = false;
    return { name, seconds: ((Date.now() - started) / 1000).toFixed(1), ...outcome };
  }),
);

for (const { name, ok, seconds, output } of results) {
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  if (!ok) console.log(output);
}
process.exit(results.every(({ ok }) => ok) ? 0 : 1);
