import fc from 'fast-check';

/** One service in two ways of writing: Compose's short forms, and its long ones. They mean the same. */
export interface WrittenTwice {
  readonly short: Readonly<Record<string, unknown>>;
  readonly long: Readonly<Record<string, unknown>>;
}

interface Forms {
  readonly short: unknown;
  readonly long: unknown;
}

const word = fc.stringMatching(/^[a-z][a-z0-9]{1,8}$/);
const plain = fc.stringMatching(/^[ -~]{0,20}$/);
const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,10}$/);
const port = fc.integer({ min: 1, max: 65535 });
const unique = { selector: (item: { readonly key: string }) => item.key, maxLength: 4, minLength: 1 } as const;
const one = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<Forms> =>
  arbitrary.map((value) => ({ short: value, long: value }));

/** A list of `key=value` and a map. */
const pairs = (keys: fc.Arbitrary<string>, values: fc.Arbitrary<string>): fc.Arbitrary<Forms> =>
  fc.uniqueArray(fc.record({ key: keys, value: values }), unique).map((items) => ({
    short: items.map(({ key, value }) => `${key}=${value}`),
    long: Object.fromEntries(items.map(({ key, value }) => [key, value])),
  }));

const ports: fc.Arbitrary<Forms> = fc
  .uniqueArray(
    fc
      .record({
        host: fc.option(port, { nil: undefined }),
        target: port,
        ip: fc.constantFrom('', '127.0.0.1'),
        protocol: fc.constantFrom('tcp', 'udp'),
      })
      .map((item) => ({ ...item, key: `${item.target}/${item.protocol}` })),
    unique,
  )
  .map((items) => ({
    short: items.map(({ host, target, ip, protocol }) => {
      const before = ip === '' ? (host === undefined ? '' : `${host}:`) : `${ip}:${host ?? ''}:`;
      return `${before}${target}${protocol === 'tcp' ? '' : '/udp'}`;
    }),
    long: items.map(({ host, target, ip, protocol }) => ({
      target: String(target),
      protocol,
      ...(host === undefined ? {} : { published: String(host) }),
      ...(ip === '' ? {} : { host_ip: ip }),
    })),
  }));

const volumes: fc.Arbitrary<Forms> = fc
  .uniqueArray(fc.record({ key: word, source: word, isBind: fc.boolean(), readOnly: fc.boolean() }), unique)
  .map((items) => ({
    short: items.map(
      ({ key, source, isBind, readOnly }) => `${isBind ? '/srv/' : ''}${source}:/${key}${readOnly ? ':ro' : ''}`,
    ),
    long: items.map(({ key, source, isBind, readOnly }) => ({
      type: isBind ? 'bind' : 'volume',
      source: `${isBind ? '/srv/' : ''}${source}`,
      target: `/${key}/`,
      read_only: readOnly,
    })),
  }));

const networks: fc.Arbitrary<Forms> = fc
  .uniqueArray(fc.record({ key: word.map((text) => `net-${text}`) }), unique)
  .map((items) => ({
    short: items.map(({ key }) => key),
    long: Object.fromEntries(items.map(({ key }) => [key, null])),
  }));

const megabytes: fc.Arbitrary<Forms> = fc
  .integer({ min: 16, max: 4096 })
  .map((mb) => ({ short: `${mb}m`, long: mb * 1024 ** 2 }));
const seconds: fc.Arbitrary<Forms> = fc.integer({ min: 11, max: 600 }).map((count) => ({
  short: `${count}s`,
  long: `${Math.floor(count / 60)}m${count % 60}s`,
}));

/** Every key whose value is chosen at random, each with a generator of both of its forms. */
export const keyForms: Readonly<Record<string, fc.Arbitrary<Forms>>> = {
  command: fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => ({ short: words.join(' '), long: words })),
  user: fc.integer({ min: 0, max: 65000 }).map((uid) => ({ short: uid, long: String(uid) })),
  working_dir: one(word.map((text) => `/${text}`)),
  environment: pairs(name, plain),
  labels: pairs(word, plain),
  ports,
  expose: fc.integer({ min: 1, max: 65535 }).map((single) => ({ short: [single], long: [`${single}/tcp`] })),
  networks,
  hostname: one(word),
  extra_hosts: fc.uniqueArray(fc.record({ key: word }), unique).map((items) => ({
    short: items.map(({ key }) => `${key}:10.0.0.7`),
    long: Object.fromEntries(items.map(({ key }) => [key, '10.0.0.7'])),
  })),
  dns: fc.constantFrom('10.0.0.2', '10.0.0.3').map((ip) => ({ short: ip, long: [ip] })),
  volumes,
  tmpfs: word.map((text) => ({ short: `/${text}`, long: [`/${text}`] })),
  shm_size: megabytes,
  read_only: one(fc.constant(true)),
  mem_limit: megabytes,
  cpus: fc.integer({ min: 1, max: 20 }).map((tenths) => ({ short: tenths / 10, long: String(tenths / 10) })),
  cpu_shares: one(fc.integer({ min: 2, max: 4096 })),
  pids_limit: one(fc.integer({ min: 10, max: 5000 })),
  oom_score_adj: one(fc.integer({ min: 1, max: 1000 })),
  ulimits: fc.integer({ min: 1000, max: 60_000 }).map((files) => ({
    short: { nofile: files },
    long: { nofile: { soft: files, hard: String(files) } },
  })),
  sysctls: fc.integer({ min: 1, max: 4096 }).map((count) => ({
    short: [`net.core.somaxconn=${count}`],
    long: { 'net.core.somaxconn': count },
  })),
  cap_add: fc
    .constantFrom('NET_ADMIN', 'SYS_TIME')
    .map((capability) => ({ short: [capability], long: [`cap_${capability.toLowerCase()}`] })),
  init: one(fc.boolean()),
  stop_signal: one(fc.constantFrom('SIGQUIT', 'SIGINT')),
  stop_grace_period: seconds,
  restart: one(fc.constantFrom('always', 'unless-stopped', 'on-failure:3')),
  healthcheck: fc.record({ text: word, every: seconds }).map(({ text, every }) => ({
    short: { test: text, interval: every.short },
    long: { test: ['CMD-SHELL', text], interval: every.long, disable: false },
  })),
  logging: one(
    fc.integer({ min: 1, max: 50 }).map((mb) => ({ driver: 'json-file', options: { 'max-size': `${mb}m` } })),
  ),
};

/** A service of some of the keys, in both forms, `long` in another order. */
export const writtenTwice: fc.Arbitrary<WrittenTwice> = fc
  .record(keyForms, { requiredKeys: [] })
  .map((forms: Readonly<Record<string, Forms | undefined>>) => {
    const entries = Object.entries(forms).flatMap(([key, form]) => (form === undefined ? [] : [[key, form] as const]));
    return {
      short: Object.fromEntries(entries.map(([key, form]) => [key, form.short])),
      long: Object.fromEntries(entries.reverse().map(([key, form]) => [key, form.long])),
    };
  });
