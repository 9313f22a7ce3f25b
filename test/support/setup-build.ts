import type { TestProject } from 'vitest/node';
import { buildTool } from './build.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The command line tool, built from the sources as they are now. */
    rolloutScript: string;
  }
}

/** Builds the tool for the tests that start it as a process. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const tool = await buildTool(project.name);
  project.provide('rolloutScript', tool.script);
  return () => tool.remove();
}
