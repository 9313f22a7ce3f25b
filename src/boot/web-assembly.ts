import { setFlagsFromString } from 'node:v8';

/** The default of V8 12 and newer. */
const tieringBudget = 13_000_000;

/**
 * Before V8 12 the template engine's interpreter is optimised after some forty of its own instructions, and a process
 * does not end before that is done: 40 ms for the few templates of a playbook. Fleets of thousands get there anyhow.
 */
export function optimiseWebAssemblyLater(): void {
  const [major = ''] = process.versions.v8.split('.');
  if (Number(major) < 12) setFlagsFromString(`--wasm-tiering-budget=${tieringBudget}`);
}
