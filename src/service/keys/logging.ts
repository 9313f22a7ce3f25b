import * as z from 'zod';
import { containerKey, type ServiceKey } from '../key.ts';
import { sorted, textMap, unlessEmpty } from '../values.ts';

const schema = () =>
  z.strictObject(
    { driver: z.string({ error: 'must be text' }).optional(), options: textMap.optional() },
    { error: 'must be a mapping with driver and options' },
  );

type Logging = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

export const loggingKey: ServiceKey = containerKey<z.infer<ReturnType<typeof schema>>, Logging>({
  name: 'logging',
  doc: "Where output goes: driver (json-file, local, journald, syslog, none …) and its options, as max-size. The daemon's default otherwise.",
  schema,
  canonical: ({ driver, options = {} }) => {
    const own = sorted(Object.fromEntries(Object.entries(options).map(([name, value]) => [name, value ?? ''])));
    return unlessEmpty({
      ...(driver === undefined || driver === '' ? {} : { driver }),
      ...(Object.keys(own).length === 0 ? {} : { options: own }),
    });
  },
  create: ({ driver, options = {} }, sink) => {
    if (typeof driver === 'string') sink.option('log-driver', driver);
    for (const [name, value] of Object.entries(options)) sink.option('log-opt', `${name}=${value}`);
  },
  read: (container, desired) => {
    const driver = container.text('HostConfig.LogConfig.Type');
    const options = sorted(container.textMap('HostConfig.LogConfig.Config'));
    // Docker's default driver, unless it was asked for by name or the container says more.
    const isDockers = driver === '' || (desired?.['driver'] === undefined && driver === 'json-file');
    return unlessEmpty({ ...(isDockers ? {} : { driver }), ...(Object.keys(options).length === 0 ? {} : { options }) });
  },
});
