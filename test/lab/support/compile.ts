import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { programFile, type LabSettings } from './layout.ts';
import { run } from './processes.ts';

/** Compiles the lab's two C programs for this machine, statically: they also run where there is no libc. */
export async function compilePrograms(lab: LabSettings): Promise<void> {
  await mkdir(dirname(programFile(lab.name, 'app')), { recursive: true });
  await Promise.all((['app', 'delay'] as const).map((program) => compile(lab, program)));
}

const compile = (lab: LabSettings, program: 'app' | 'delay'): Promise<void> =>
  compileTo(programFile(lab.name, program), program);

/** Compiles one of the programs in `app/` to a file. */
export async function compileTo(target: string, program: 'app' | 'delay' | 'processes'): Promise<void> {
  const source = join(import.meta.dirname, 'app', `${program}.c`);
  await run(['gcc', '-static', '-O2', '-s', '-Wall', '-pthread', '-o', target, source]);
}
