import * as z from 'zod';
import type { Check, CheckPhase, Question, Target } from '../../model/check.ts';
import type { Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import { durationMs, flag, must, secretReference, text, wholeNumber } from '../../schema/values.ts';
import { partAt, problemIn, type Part } from '../document.ts';
import { parsePart } from '../shape.ts';
import { noSuchSecret } from './no-such-secret.ts';

const url = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
  .refine((value) => !/^https?:\/\/[^/?#]*@/.test(value), {
    error: 'must not have a user or a password in it; write username and password: { secret: NAME } beside it',
  });
const secret = z.union([secretReference], must('{ secret: NAME }'));
const target = {
  url,
  headers: z.record(z.string(), z.union([z.string(), secretReference], must('text or { secret: NAME }'))).default({}),
  username: text.optional().describe('For basic authentication, with password.'),
  password: secret.optional().describe('{ secret: NAME }'),
  bearer: secret.optional().describe('A token: { secret: NAME }'),
};
const status = z.union([wholeNumber, z.array(wholeNumber)], must('a status such as 200, or a list of them'));
const number = z.number(must('a number'));

export const checkSchema = z
  .strictObject(
    {
      name: text.describe('What events and verdicts call it; unique in the play.'),
      command: z
        .array(z.union([text, z.number()]), must('a list of words'))
        .min(1, must('a list of words'))
        .optional()
        .describe("A command at the controller, in the playbook's folder: exit code 0 passes."),
      uri: z
        .strictObject(
          {
            ...target,
            method: z.enum(['GET', 'HEAD', 'POST'], must('GET, HEAD or POST')).default('GET'),
            status: status.default(200).describe('What it must answer.'),
            contains: text.optional().describe('Text that its answer must hold.'),
          },
          must('a mapping with url'),
        )
        .optional()
        .describe('An address that must answer, asked from the controller; redirects are not followed.'),
      prometheus: z
        .strictObject(
          {
            ...target,
            query: text.describe('An instant query that gives one number.'),
            min: number.optional().describe('Less than this fails.'),
            max: number.optional().describe('More than this fails.'),
          },
          must('a mapping with url, query, and min or max'),
        )
        .refine(({ min, max }) => min !== undefined || max !== undefined, { error: 'must have min or max' })
        .optional()
        .describe('A number out of Prometheus, asked from the controller over its HTTP API.'),
      every: durationMs.prefault('10s').describe('How often it is asked.'),
      timeout: durationMs.prefault('10s').describe('How long an answer may take.'),
      failure_limit: wholeNumber
        .min(1, must('1 or more'))
        .default(1)
        .describe('So many failures in one bake, fan-out or soak fail it.'),
      during: z
        .array(
          z.enum(['bake', 'fan_out', 'soak'], must('bake, fan_out or soak')),
          must('a list of bake, fan_out, soak'),
        )
        .min(1, must('a list of bake, fan_out, soak'))
        .default(['bake', 'fan_out', 'soak'])
        .describe('When it is asked.'),
      dry_run: flag.default(false).describe('Reports only: it fails nothing.'),
    },
    must('a mapping with name, and command, uri or prometheus'),
  )
  .refine(
    ({ command, uri, prometheus }) => [command, uri, prometheus].filter((asked) => asked !== undefined).length === 1,
    { error: 'must have one of command, uri and prometheus' },
  );

type Settings = z.output<typeof checkSchema>;

export interface CheckResult {
  readonly check: Check | undefined;
  readonly problems: readonly Problem[];
}

/** A check from its part, rendered for a host. */
export function buildCheck(part: Part, secrets: ReadonlyMap<string, Secret>, folder: string): CheckResult {
  const problems: Problem[] = [];
  const settings = parsePart(checkSchema, part, { add: (problem) => problems.push(problem) });
  if (settings === undefined) return { check: undefined, problems };
  const question = questionOf(settings, folder, (kind, key, written) => {
    const { value } = partAt(part, kind, ...key);
    if (value instanceof Secret) return value;
    const found = secrets.get(written);
    if (found === undefined) problems.push(problemIn(part, [kind, ...key, 'secret'], noSuchSecret(written, secrets)));
    return found;
  });
  if (settings.every < 100) problems.push(problemIn(part, ['every'], 'must be 100ms or more'));
  if (settings.timeout < 1) problems.push(problemIn(part, ['timeout'], 'must be more than 0'));
  if (question === undefined || problems.length > 0) return { check: undefined, problems };
  const check: Check = {
    name: settings.name,
    question,
    everyMs: settings.every,
    timeoutMs: settings.timeout,
    failureLimit: settings.failure_limit,
    during: settings.during satisfies CheckPhase[],
    isDryRun: settings.dry_run,
  };
  return { check, problems };
}

type Find = (kind: string, key: readonly string[], written: string) => Secret | undefined;

function questionOf({ command, uri, prometheus }: Settings, folder: string, find: Find): Question | undefined {
  if (command !== undefined) return { kind: 'command', argv: command.map(String), folder };
  if (uri !== undefined) {
    const { method, contains, status: wanted } = uri;
    const statuses = [wanted].flat();
    const more = contains === undefined ? {} : { contains };
    return { kind: 'uri', method, statuses, ...more, ...targetOf('uri', uri, find) };
  }
  if (prometheus === undefined) return undefined;
  const { query, min, max } = prometheus;
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return { kind: 'prometheus', query, ...bounds, ...targetOf('prometheus', prometheus, find) };
}

type TargetSettings = Pick<NonNullable<Settings['uri']>, 'url' | 'headers' | 'username' | 'password' | 'bearer'>;

function targetOf(kind: string, { url: address, headers, username, ...written }: TargetSettings, find: Find): Target {
  const password = written.password && find(kind, ['password'], written.password.secret);
  const bearer = written.bearer && find(kind, ['bearer'], written.bearer.secret);
  return {
    url: address,
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) => {
        const found = typeof value === 'string' ? value : find(kind, ['headers', name], value.secret);
        return found === undefined ? [] : [[name, found]];
      }),
    ),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(bearer === undefined ? {} : { bearer }),
  };
}

/** Two checks of one name could not be told apart in log and report. */
export function refuseSameNames(part: Part, checks: readonly Check[]): readonly Problem[] {
  const names = checks.map(({ name }) => name);
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) =>
    problemIn(part, [names.lastIndexOf(name), 'name'], `must differ from other checks' names; got ${name} again`),
  );
}
