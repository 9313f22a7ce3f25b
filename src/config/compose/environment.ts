import { join, resolve } from 'node:path';
import { readDotenv } from '../../shell/dotenv.ts';
import type { Lookup } from '../../shell/variables.ts';
import { exists, fileProblem, isFolder, readSource } from '../files.ts';
import type { Problems } from '../text/problems.ts';
import { Source } from '../text/source.ts';

export interface VariablesContext {
  readonly cwd: string;
  readonly problems: Problems;
  /** `-e` and the environment, which stand above every file. */
  readonly variable: Lookup;
}

/**
 * The variables of a Compose file: what `-e` and the environment have, then `.env` in its folder, or the files that
 * stand in for that one.
 */
export function variablesOf(folder: string, files: readonly string[] | undefined, context: VariablesContext): Lookup {
  const { variable } = context;
  const isOff = /^(?:1|t|true)$/i.test(variable('COMPOSE_DISABLE_ENV_FILE') ?? '');
  const standard = join(folder, '.env');
  const chosen = files ?? (!isOff && exists(standard) && !isFolder(standard) ? [standard] : []);
  const into = new Map<string, string>();
  for (const file of chosen) readFile(resolve(folder, file), into, context);
  return (name) => variable(name) ?? into.get(name);
}

function readFile(path: string, into: Map<string, string>, { cwd, problems, variable }: VariablesContext): void {
  const source = readSource(path, cwd);
  if (!(source instanceof Source)) {
    problems.add(fileProblem(path, cwd, `this file cannot be read: ${source.problem}`));
    return;
  }
  readDotenv(source.text, {
    lookup: variable,
    into,
    report: (line, message) => {
      const problem = source.problem(source.lineOffset(line), '', message);
      // As in Compose the variable is then empty; a file of variables may hold many that nobody uses.
      if (message.startsWith('the variable ')) problems.warn(problem);
      else problems.add(problem);
    },
  });
}
