/** A fleet inside this process, to try things on and to test with: nothing to install, only 127.0.0.1. */
export { startLoad, type Load, type LoadReport } from './load.ts';
export { startSandbox, Sandbox, type SandboxOptions } from './sandbox.ts';
