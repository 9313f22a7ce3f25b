import * as z from 'zod';
import type { Dependency, Probe } from '../../model/service.ts';
import { containerKey, draftKey, type ServiceKey } from '../key.ts';
import { durationMs, flag, numberBetween, scalarText, span, text, texts } from '../values.ts';
import { formatSpan } from '../units.ts';
import { quoteWords } from '../../shell/quote.ts';
import type { Inspected } from '../inspected.ts';

const conditions = ['service_started', 'service_healthy', 'service_completed_successfully'] as const;

const policies = 'must be no, always, unless-stopped, on-failure or on-failure:N';

const healthcheck = () =>
  z.strictObject(
    {
      test: z
        .union([z.string(), z.array(scalarText)], {
          error: 'must be a command line, or a list that begins with CMD, CMD-SHELL or NONE',
        })
        .optional(),
      interval: span.optional(),
      timeout: span.optional(),
      retries: numberBetween(0, 1000).optional(),
      start_period: span.optional(),
      start_interval: span.optional(),
      disable: flag.optional(),
    },
    { error: 'must be a mapping with test, interval, timeout, retries, start_period' },
  );

/** `test` is the shell's line, the only form that docker's command line takes; `disable` stands alone. */
type Healthcheck = Readonly<Record<string, string | number | boolean>>;

const probe = () =>
  z.strictObject(
    {
      http: z
        .strictObject({
          port: numberBetween(1, 65535),
          path: z.string().startsWith('/', 'must begin with /').optional(),
          headers: z.record(z.string(), scalarText).optional(),
          status: z
            .union([numberBetween(100, 599).transform((status) => [status]), z.array(numberBetween(100, 599))], {
              error: 'must be a status or a list of statuses',
            })
            .optional(),
        })
        .optional(),
      tcp: z.strictObject({ port: numberBetween(1, 65535) }).optional(),
      command: texts.optional(),
      interval: durationMs.optional(),
      timeout: durationMs.optional(),
    },
    { error: 'must be a mapping with http, tcp or command' },
  );

/** Whether it runs, whether it is well, and what it waits for. */
export const lifecycleKeys: readonly ServiceKey[] = [
  containerKey<string | boolean, string>({
    name: 'restart',
    doc: 'When docker starts the container again: `no` (the default), `always`, `unless-stopped`, `on-failure` or `on-failure:N`. Changed without a restart.',
    schema: () => z.union([z.literal(false), z.string()], { error: policies }),
    blank: 'default',
    canonical: (policy, scope) => {
      if (policy === false || policy === 'no') return undefined;
      const text = String(policy);
      if (/^(?:always|unless-stopped|on-failure(?::\d+)?)$/.test(text)) return text.replace(/:0+$/, '');
      scope.problem([], `${policies}; got ${JSON.stringify(text)}`);
      return undefined;
    },
    create: (policy, sink) => sink.option('restart', policy),
    read: restartPolicy,
    live: (policy = 'no') => [`--restart=${policy}`],
    mutable: true,
  }),
  containerKey<z.infer<ReturnType<typeof healthcheck>>, Healthcheck>({
    name: 'healthcheck',
    doc: "How docker tests the container: test (a command line, or a list after CMD, CMD-SHELL or NONE), interval, timeout, retries, start_period, start_interval (docker 25), disable. What is left out comes from the image. Docker's command line knows the shell form only: a CMD list is quoted into one line, which needs /bin/sh in the image.",
    schema: healthcheck,
    canonical: ({ test, disable, ...numbers }, scope) => {
      const words = typeof test === 'string' ? ['CMD-SHELL', test] : (test ?? []);
      if (disable === true || words[0] === 'NONE') return { disable: true };
      if (test !== undefined && !['CMD', 'CMD-SHELL'].includes(words[0] ?? '')) {
        scope.problem(['test'], `must begin with CMD, CMD-SHELL or NONE; got ${JSON.stringify(words[0] ?? '')}`);
      } else if (test !== undefined && (words.length < 2 || (words[0] === 'CMD-SHELL' && words.length > 2))) {
        scope.problem(['test'], 'must have a command after CMD, or exactly one line after CMD-SHELL');
      }
      const line = words[0] === 'CMD' ? quoteWords(words.slice(1)) : words[1];
      const set = Object.entries({ test: line, ...numbers }).filter(
        (pair): pair is [string, string | number] => pair[1] !== undefined,
      );
      return set.length === 0 ? undefined : Object.fromEntries(set);
    },
    create: ({ disable, test, ...numbers }, sink) => {
      if (disable === true) sink.option('no-healthcheck');
      if (test !== undefined) sink.option('health-cmd', String(test));
      for (const [name, value] of Object.entries(numbers))
        sink.option(`health-${name.replace('_', '-')}`, String(value));
    },
    read: readHealthcheck,
    inherited: readHealthcheck,
  }),
  draftKey<Readonly<Record<string, Omit<Dependency, 'service'>>>>({
    name: 'depends_on',
    doc: 'Services of the same host that come first: a list, or a mapping with condition (service_started, service_healthy, service_completed_successfully). They are updated first, and the condition is awaited. With `required: false` the play need not have them.',
    schema: () =>
      z
        .union(
          [
            z.array(text),
            z.record(
              z.string(),
              z
                .strictObject(
                  {
                    condition: z.enum(conditions, { error: `must be ${conditions.join(', ')}` }).optional(),
                    restart: flag.optional(),
                    required: flag.optional(),
                  },
                  { error: 'must be a mapping with condition' },
                )
                .nullable(),
            ),
          ],
          { error: 'must be a list of services, or a mapping of them with conditions' },
        )
        .transform((value): Readonly<Record<string, Omit<Dependency, 'service'>>> => {
          if (Array.isArray(value))
            return Object.fromEntries(value.map((name) => [name, { condition: conditions[0] }]));
          const long = Object.entries(value).map(([name, options]) => {
            const optional = options?.required === false ? { required: false as const } : {};
            return [name, { condition: options?.condition ?? conditions[0], ...optional }] as const;
          });
          return Object.fromEntries(long);
        }),
    apply: (written, draft, scope) => {
      for (const [service, dependency] of Object.entries(written)) {
        if (service === scope.service) scope.problem([service], 'is this service itself');
        draft.dependsOn.push({ service, ...dependency });
      }
    },
  }),
  draftKey<readonly string[]>({
    name: 'profiles',
    doc: 'The service is left out unless one of these profiles is switched on.',
    schema: () => texts,
    apply: (profiles, draft) => {
      draft.profiles = profiles;
    },
  }),
  draftKey<z.infer<ReturnType<typeof probe>>>({
    name: 'probe',
    doc: "rollout's own check of a new container, through the SSH connection. It is `http` with port, path, headers and status (200 to 399 by default), `tcp` with port, or `command` run on the host. It has an interval (1s) and a timeout (5s). Ports are the host's.",
    schema: probe,
    apply: (written, draft, scope) => {
      draft.probe = parseProbe(written, (message) => scope.problem([], message));
    },
  }),
];

function restartPolicy(container: Inspected): string | undefined {
  const name = container.text('HostConfig.RestartPolicy.Name');
  const retries = container.number('HostConfig.RestartPolicy.MaximumRetryCount');
  if (name === '' || name === 'no') return undefined;
  return name === 'on-failure' && retries > 0 ? `on-failure:${retries}` : name;
}

function readHealthcheck(document: Inspected): Healthcheck | undefined {
  if (!document.has('Config.Healthcheck')) return undefined;
  const [kind, ...words] = document.texts('Config.Healthcheck.Test');
  if (kind === 'NONE') return { disable: true };
  const times = {
    interval: 'Interval',
    timeout: 'Timeout',
    start_period: 'StartPeriod',
    start_interval: 'StartInterval',
  };
  const retries = document.number('Config.Healthcheck.Retries');
  const entries: [string, string | number][] = [];
  if (kind !== undefined) entries.push(['test', kind === 'CMD' ? quoteWords(words) : words.join(' ')]);
  if (retries !== 0) entries.push(['retries', retries]);
  for (const [name, field] of Object.entries(times)) {
    const nanoseconds = document.number(`Config.Healthcheck.${field}`);
    if (nanoseconds !== 0) entries.push([name, formatSpan(nanoseconds / 1e6)]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function parseProbe(written: z.infer<ReturnType<typeof probe>>, problem: (message: string) => void): Probe | undefined {
  const { http, tcp, command } = written;
  const timing = { intervalMs: written.interval ?? 1000, timeoutMs: written.timeout ?? 5000 };
  if ([http, tcp, command].filter((kind) => kind !== undefined).length !== 1) {
    problem('must have exactly one of http, tcp and command');
    return undefined;
  }
  if (tcp !== undefined) return { ...timing, kind: 'tcp', port: tcp.port };
  if (command !== undefined)
    return { ...timing, kind: 'command', command: command.length === 1 ? ['sh', '-c', ...command] : command };
  if (http === undefined) return undefined;
  const { port, path = '/', headers = {}, status } = http;
  return { ...timing, kind: 'http', port, path, headers, ...(status === undefined ? {} : { status }) };
}
