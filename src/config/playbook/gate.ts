import * as z from 'zod';
import type { Gate } from '../../model/gate.ts';
import { Secret } from '../../model/secret.ts';
import { durationMs, must, secretReference, text } from '../../schema/values.ts';
import { didYouMean } from '../../model/closest.ts';
import { partAt, problemIn, type Part } from '../document.ts';
import type { Problems } from '../text/problems.ts';
import { noSuchSecret } from './no-such-secret.ts';
import type { ServicePart } from './services.ts';

const value = z.union([z.string(), z.number(), secretReference], must('text, a number or { secret: NAME }'));

export const gateSchema = z
  .strictObject(
    {
      command: z
        .array(z.union([text, z.number()]), must('a list of words'))
        .min(1, must('a list of words'))
        .optional()
        .describe("A command at the controller, in the playbook's folder: exit code 0 opens the gate."),
      service: text
        .optional()
        .describe(
          'A service of the play whose container runs once, here and nowhere else; exit code 0 opens the gate.',
        ),
      host: text.optional().describe('With service: the host of the play where it runs; the first canary by default.'),
      environment: z
        .record(z.string(), value, must('a mapping'))
        .default({})
        .describe('Variables for it, beside those that tell it of the run.'),
      timeout: durationMs.prefault('10m').describe('How long it may take; one that takes longer has failed.'),
    },
    must('a mapping with command or service'),
  )
  .refine(({ command, service }) => (command === undefined) !== (service === undefined), {
    error: 'must have one of command and service',
  })
  .refine(({ host, service }) => host === undefined || service !== undefined, {
    path: ['host'],
    error: 'is for service; a command runs at the controller',
  });

type GateSettings = z.output<typeof gateSchema>;

/** What a gate has around it. */
interface Surroundings {
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly folder: string;
  readonly services: ReadonlyMap<string, ServicePart>;
  readonly hosts: readonly string[];
  readonly healthContainer: string | undefined;
  /** Whether the strategy has a canary that it can come after. */
  readonly hasCanary: boolean;
  readonly problems: Problems;
}

/** The gate of a play, with what is wrong in it noted; undefined where it has none. */
export function gateOf(part: Part, settings: GateSettings | undefined, around: Surroundings): Gate | undefined {
  if (settings === undefined) return undefined;
  const { command, service, host, timeout } = settings;
  const { problems, services, hosts } = around;
  const refuse = (at: readonly string[], message: string): void => problems.add(problemIn(part, at, message));
  if (timeout < 1) refuse(['timeout'], 'must be more than 0');
  if (!around.hasCanary) refuse([], 'stands after the canary, and strategy.canary.hosts is 0; write 1 or more there');
  if (service !== undefined && !services.has(service))
    refuse(['service'], `must name a service of this play; got ${service}${didYouMean(service, services.keys())}`);
  if (service !== undefined && service === around.healthContainer)
    refuse(['service'], `must not be the health container; got ${service}`);
  if (host !== undefined && !hosts.includes(host))
    refuse(['host'], `must be a host of this play; got ${host}${didYouMean(host, hosts)}`);
  const environment = environmentOf(part, settings.environment, around);
  const asks: Gate['asks'] =
    command === undefined
      ? { kind: 'container', service: service ?? '', ...(host === undefined ? {} : { host }) }
      : { kind: 'command', argv: command.map(String), folder: around.folder };
  return { asks, environment, timeoutMs: timeout };
}

function environmentOf(
  part: Part,
  written: GateSettings['environment'],
  { secrets, problems }: Pick<Surroundings, 'secrets' | 'problems'>,
): Gate['environment'] {
  return Object.fromEntries(
    Object.entries(written).flatMap(([name, entry]): (readonly [string, string | Secret])[] => {
      if (!/^[A-Za-z_]\w*$/.test(name))
        problems.add(problemIn(part, ['environment', name], 'must be a name of letters, digits and _', true));
      if (typeof entry !== 'object') return [[name, String(entry)]];
      const own = partAt(part, 'environment', name).value;
      const found = own instanceof Secret ? own : secrets.get(entry.secret);
      if (found !== undefined) return [[name, found]];
      problems.add(problemIn(part, ['environment', name, 'secret'], noSuchSecret(entry.secret, secrets)));
      return [];
    }),
  );
}
