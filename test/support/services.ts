import { parseImageRef } from '../../src/model/image.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Service } from '../../src/model/service.ts';
import type { ServiceContext } from '../../src/service/context.ts';
import { parseService } from '../../src/service/parse.ts';

/** A context with one component `app`, the secret `db_password`, and the files and variables given. */
export function serviceContext(
  files: Readonly<Record<string, string>> = {},
  variables: Readonly<Record<string, string>> = {},
): ServiceContext {
  return {
    secrets: new Map([['db_password', new Secret('db_password', 's3cret')]]),
    component: (name) => (name === 'app' ? parseImageRef('registry.example.com/shop/app:1.4') : undefined),
    // Own keys alone: a file may be called toString.
    readFile: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
    environmentVariable: (name) => (Object.hasOwn(variables, name) ? variables[name] : undefined),
  };
}

/** The one service that a definition means; throws with its problems when there are any. */
export function service(value: unknown, name = 'app', context: ServiceContext = serviceContext()): Service {
  const { services, problems } = parseService(name, value, context);
  const [first] = services;
  if (first === undefined)
    throw new Error(problems.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
  return first;
}

/** What is wrong with a definition, one `path: message` a line. */
export function problemsOf(value: unknown, name = 'app', context: ServiceContext = serviceContext()): string[] {
  return parseService(name, value, context).problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}
