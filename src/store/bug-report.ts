import { closeSync, constants, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSensitive } from '../model/sensitive.ts';
import { createRedactor } from '../model/redactor.ts';
import { Secret } from '../model/secret.ts';
import { journalDir } from './journal.ts';
import { makeOwnFolder, openOwnToWrite } from './own-file.ts';

/** What a person who looks for the bug asks first. */
export interface Bug {
  readonly error: unknown;
  readonly version: string;
  /** Of the command line: values of flags are not kept, which may be passwords. */
  readonly args: readonly string[];
  readonly atMs: number;
}

const mostBytes = 256 * 1024;

/**
 * Keeps the trace of a bug in `bugs` beside the journals, for its owner only, without what the environment shows to be
 * secret. @returns the file; undefined where it cannot be written
 */
export function keepBugReport(
  bug: Bug,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string | undefined {
  const folder = join(dirname(journalDir(env, cwd)), 'bugs');
  const file = join(
    folder,
    `${new Date(bug.atMs)
      .toISOString()
      .replace(/[^\dT]/g, '')
      .slice(0, 18)}.txt`,
  );
  try {
    makeOwnFolder(folder);
    const descriptor = openOwnToWrite(file, constants.O_TRUNC);
    try {
      writeFileSync(descriptor, Buffer.from(bugText(bug, env)).subarray(0, mostBytes));
    } finally {
      closeSync(descriptor);
    }
    return file;
  } catch {
    return undefined;
  }
}

/** The text of the report. */
export function bugText(
  { error, version, args, atMs }: Bug,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const redactor = createRedactor(secretsOf(env));
  const { node, v8 } = process.versions;
  const lines = [
    `rollout ${version}, node ${node}, v8 ${v8}, ${process.platform} ${process.arch}`,
    `at ${new Date(atMs).toISOString()}`,
    `command: ${args.map(withoutValue).join(' ')}`,
    '',
    ...causesOf(error),
  ];
  return `${redactor.redact(lines.join('\n')).replace(/(:\/\/[^/\s:@]*:)[^@\s/]+@/g, '$1[secret]@')}\n`;
}

/** An error with what caused it, each with its trace. */
function causesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [typeof error === 'string' ? error : JSON.stringify(error)];
  const texts: string[] = [];
  for (let each: unknown = error; each instanceof Error && texts.length < 10; each = each.cause)
    texts.push(each.stack ?? `${each.name}: ${each.message}`);
  return texts;
}

/** The command and the names of flags; all else of a command line may be anything. */
function withoutValue(word: string, index: number): string {
  const flag = /^--?[A-Za-z][\w-]*/.exec(word)?.[0];
  if (flag !== undefined) return flag;
  return index === 0 && /^[a-z-]+$/.test(word) ? word : '…';
}

function secretsOf(env: Readonly<Record<string, string | undefined>>): readonly Secret[] {
  return Object.entries(env).flatMap(([name, value = '']) =>
    value.length >= 4 && isSensitive(name, value) ? [new Secret(name, value)] : [],
  );
}
