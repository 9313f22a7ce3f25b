import { dirname } from 'node:path';
import type { Lookup } from '../../shell/variables.ts';
import type { Part } from '../document.ts';
import { variablesOf, type VariablesContext } from './environment.ts';
import { readModel } from './model.ts';

/** What a play takes over from a Compose file, or from several laid over each other. */
export interface ComposeFile {
  readonly document: Part;
  /** Its own paths are relative to this. */
  readonly folder: string;
  /** What `${NAME}` means in it, and a variable of a service that is written without a value. */
  readonly variable: Lookup;
}

/** What a play names under `compose`. */
export interface ComposeSource {
  readonly files: readonly string[];
  /** Instead of `.env` beside the first file. */
  readonly envFiles?: readonly string[] | undefined;
}

/** Reads Compose files, their variables put in; undefined, with the problems noted, where one is none. */
export function readCompose({ files, envFiles }: ComposeSource, context: VariablesContext): ComposeFile | undefined {
  const [main] = files;
  if (main === undefined) return undefined;
  const folder = dirname(main);
  const variable = variablesOf(folder, envFiles, context);
  const document = readModel(files, { folder, variable, context, including: [] });
  return document && { document, folder, variable };
}
