import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { didYouMean } from '../model/closest.ts';
import type { Problem } from '../model/problem.ts';
import { Source } from './text/source.ts';

/** A path as people are shown it: relative to the working folder when it lies below that, else absolute. */
export function displayPath(path: string, cwd: string): string {
  const below = relative(cwd, path);
  return below === '' || below.startsWith('..') || isAbsolute(below) ? path : below;
}

/** `~` and `~/x` mean the home folder, as in a shell. */
export function expandHome(path: string, env: NodeJS.ProcessEnv): string {
  const home = env['HOME'] ?? env['USERPROFILE'];
  if (home === undefined || (path !== '~' && !path.startsWith('~/'))) return path;
  return join(home, path.slice(1));
}

/** A file's text, or the problem of reading it in words. */
export function readSource(path: string, cwd: string): Source | { readonly problem: string } {
  try {
    const bytes = readFileSync(path);
    return new Source(displayPath(path, cwd), decoder.decode(bytes));
  } catch (error) {
    return { problem: explainReadError(error) };
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Why a file cannot be read, in words. */
export function explainReadError(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return `there is no such file${nearestFile((error as NodeJS.ErrnoException).path ?? '')}`;
    case 'EISDIR':
      return 'this is a folder, not a file';
    case 'EACCES':
      return 'permission denied';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'this is not UTF-8 text';
    default:
      return (error as Error).message;
  }
}

/** `. Did you mean x?` for a file of the same folder, or nothing. */
export function nearestFile(path: string): string {
  try {
    return didYouMean(basename(path), readdirSync(dirname(path)));
  } catch {
    return '';
  }
}

/** The problem of a whole file. */
export function fileProblem(path: string, cwd: string, message: string): Problem {
  return { file: displayPath(path, cwd), line: 1, column: 1, path: '', message };
}

export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

export function exists(path: string): boolean {
  return existsSync(path);
}

/** A path written in a file or on the command line, relative to a folder. */
export function resolvePath(folder: string, written: string, env: NodeJS.ProcessEnv): string {
  return resolve(folder, expandHome(written, env));
}
