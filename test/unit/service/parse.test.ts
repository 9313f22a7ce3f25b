import { expect, test } from 'vitest';
import { Secret } from '../../../src/model/secret.ts';
import { parseService } from '../../../src/service/parse.ts';
import { problemsOf, service, serviceContext } from '../../support/services.ts';

test('a service of the contract becomes its canonical form', () => {
  const written = {
    ports: ['8080:8080', { target: 9000, published: '9000', host_ip: '127.0.0.1', protocol: 'udp' }],
    environment: { LOG_LEVEL: 'info', DEBUG: true, DB_PASSWORD: { secret: 'db_password' } },
    depends_on: ['health'],
    mem_limit: '0.5g',
    stop_grace_period: '20s',
    volumes: ['data:/data', '/etc/app//conf/:/conf:ro'],
    networks: { backend: { aliases: ['api'] } },
    healthcheck: { test: ['CMD', 'wget', '-q', 'http://localhost/a b'], interval: '90s', retries: 3 },
    restart: 'on-failure:5',
    probe: { http: { port: 8080, path: '/ready' }, interval: '500ms' },
    'x-team': 'shop',
  };
  const { problems, services } = parseService('app', written, serviceContext());
  expect(problems).toEqual([]);
  expect(services).toEqual([
    {
      name: 'app',
      containerName: 'app',
      image: {
        registry: 'registry.example.com',
        repository: 'shop/app',
        tag: '1.4',
        written: 'registry.example.com/shop/app:1.4',
      },
      pullPolicy: 'always',
      spec: {
        environment: { DB_PASSWORD: new Secret('db_password', 's3cret'), DEBUG: 'true', LOG_LEVEL: 'info' },
        ports: ['127.0.0.1:9000:9000/udp', '8080:8080/tcp'],
        networks: { backend: { aliases: ['api', 'app'] } },
        volumes: {
          '/conf': { type: 'bind', source: '/etc/app/conf', read_only: true },
          '/data': { type: 'volume', source: 'data' },
        },
        mem_limit: '512m',
        stop_grace_period: '20s',
        restart: 'on-failure:5',
        healthcheck: { test: "wget -q 'http://localhost/a b'", interval: '1m30s', retries: 3 },
      },
      dependsOn: [{ service: 'health', condition: 'service_started' }],
      stopGraceMs: 20_000,
      probe: { kind: 'http', port: 8080, path: '/ready', headers: {}, intervalMs: 500, timeoutMs: 5000 },
    },
  ]);
});

test('everything that is wrong with a service is reported at once, with its place, what was found and what to do', () => {
  const written = {
    image: 'Not An Image',
    build: '.',
    enviroment: { A: 1 },
    environment: { A: { secret: 'nope' }, 'B C': 1, D: ['x'] },
    ports: ['80:80:80:80', '70000:1', { target: 'http' }],
    volumes: ['./data:/data', 'x:/data', 'data:/a:fast'],
    mem_limit: 'lots',
    restart: 'sometimes',
    command: 'echo "open',
    networks: ['host'],
    stop_grace_period: 20,
  };
  expect(problemsOf(written, 'shop')).toMatchInlineSnapshot(`
    [
      "build: is not supported: it builds an image, and hosts only run them. Build and push it elsewhere, and name it with image",
      "enviroment: is not a key of a service. Did you mean environment?",
      "image: is not an image's name; got "Not An Image". The form is [registry/]repository[:tag][@sha256:…], in lower case",
      "command: cannot be split into words: the double quote is not closed; got "echo \\"open"",
      "stop_grace_period: must be a duration such as 30s or 1m30s; got 20. Write 20s for seconds",
      "environment.D: must be text, a number, a boolean or { secret: NAME }; got a list",
      "environment.A: there is no secret "nope"; name it under secrets of the playbook",
      "environment.B C: is not a variable's name; got "B C"",
      "ports.2.target: must be a whole number from 1 to 65535; got "http"",
      "ports.0: must be [HOST_IP:][HOST_PORT:]CONTAINER_PORT[/tcp|udp|sctp], where a port may be a range; got "80:80:80:80"",
      "ports.1: must be ports from 1 to 65535 in rising order; got 70000",
      "networks.host: is no network to join; write network_mode: host",
      "volumes.0: must be an absolute path of the host; got "./data". A file of the controller is brought with configs",
      "volumes.1: is not a volume's name; got "x". Names have two or more letters, digits, dots, dashes or underscores",
      "volumes.2: has an option that docker does not know: fast. Known are ro, rw, z, Z, nocopy and the propagations",
      "mem_limit: must be a size such as 512m or 1g; got "lots"",
      "restart: must be no, always, unless-stopped, on-failure or on-failure:N; got "sometimes"",
    ]
  `);
});

test('a service without an image takes the component of its name, and says so when there is none', () => {
  // A key without a value is not written.
  for (const written of [{}, { image: null }, { image: undefined }]) {
    expect(service(written).image.written).toBe('registry.example.com/shop/app:1.4');
    expect(problemsOf(written, 'worker')).toEqual([
      'image: is missing, and the composition has no component "worker". Write image, or add the component',
    ]);
  }
});

test('a secret that a template put anywhere but into the environment is refused without showing it', () => {
  const secret = new Secret('token', 'hunter2');
  expect(service({ environment: { TOKEN: secret } }).spec).toEqual({ environment: { TOKEN: secret } });
  const problems = problemsOf({ command: ['run', secret], labels: { a: secret }, image: secret });
  expect(problems).toMatchInlineSnapshot(`
    [
      "image: must be text; got a secret",
      "command.1: must be text, a number or a boolean; got a secret",
      "labels.a: must be text, a number or a boolean; got a secret",
    ]
  `);
  expect(problems.join()).not.toContain('hunter2');
});

test('env files lie under environment, and a missing one is passed over only where that is said', () => {
  const context = serviceContext(
    { 'a.env': '# comment\nA=1\nB="two words" # c\nexport C=3\nD\n\nE=x#y\n' },
    { D: 'from here' },
  );
  const files = ['a.env', { path: 'b.env', required: false }];
  expect(service({ env_file: files, environment: ['A=2', 'D'] }, 'app', context).spec).toEqual({
    environment: { A: '2', B: 'two words', C: '3', D: 'from here', E: 'x#y' },
  });
  expect(problemsOf({ env_file: 'b.env' })).toEqual([
    'env_file.0: cannot be read; got "b.env". Write it as { path: …, required: false } if it may be missing',
  ]);
});

test('scale shares a range of host ports out over the replicas, and refuses ports that all of them would want', () => {
  const context = serviceContext();
  const { services } = parseService('app', { scale: '3', ports: ['8080-8082:80', '53/udp'] }, context);
  expect(
    services.map(({ name, containerName, replicaOf, spec }) => ({ name, containerName, replicaOf, ...spec })),
  ).toEqual([
    { name: 'app-1', containerName: 'app-1', replicaOf: 'app', ports: ['53/udp', '8080:80/tcp'] },
    { name: 'app-2', containerName: 'app-2', replicaOf: 'app', ports: ['53/udp', '8081:80/tcp'] },
    { name: 'app-3', containerName: 'app-3', replicaOf: 'app', ports: ['53/udp', '8082:80/tcp'] },
  ]);
  expect(problemsOf({ scale: 2, ports: ['80:80'] })).toEqual([
    'ports: cannot be shared by 2 replicas; got 80:80/tcp. Write a range of 2 ports on the host, as 8080-8081:8080',
  ]);
  expect(problemsOf({ scale: 2, container_name: 'one' })).toEqual([
    'container_name: cannot name 2 containers; leave it out, or set scale to 1',
  ]);
});

test('several words of an entrypoint run as they were written: the first as entrypoint, the rest before the command', () => {
  expect(service({ entrypoint: 'sh -c', command: ["echo 'a b'"] }).spec).toEqual({
    entrypoint: ['sh'],
    command: ['-c', "echo 'a b'"],
  });
});

test('a name that docker or rollout itself would stumble over is refused', () => {
  expect([problemsOf({ image: 'a' }, 'x'), problemsOf({ image: 'a' }, 'app.next'), problemsOf('text')])
    .toMatchInlineSnapshot(`
      [
        [
          ": "x" is not a service's name: two or more letters, digits, dots, dashes or underscores",
        ],
        [
          ": must not end in .next or .previous: rollout names containers so while it replaces them",
        ],
        [
          ": must be a mapping of service keys; got "text"",
        ],
      ]
    `);
});

test('a service that shares the network or the processes of another one comes after it', () => {
  const sidecar = service({ image: 'sidecar:1', network_mode: 'service:app', pid: 'service:app' }, 'sidecar');
  expect(sidecar.dependsOn).toEqual([{ service: 'app', condition: 'service_started' }]);
  expect(sidecar.spec).toEqual({ network_mode: 'service:app', pid: 'service:app' });
});

test('limits under deploy are those of the service, and what belongs to a swarm is refused with its reason', () => {
  const deploy = {
    replicas: 2,
    resources: { limits: { cpus: '0.5', memory: '64M' } },
    restart_policy: { condition: 'any' },
  };
  const { services } = parseService('app', { deploy, cpus: 0.5 }, serviceContext());
  expect(services.map(({ name, spec }) => ({ name, spec }))).toEqual([
    { name: 'app-1', spec: { cpus: 0.5, mem_limit: '64m', restart: 'always' } },
    { name: 'app-2', spec: { cpus: 0.5, mem_limit: '64m', restart: 'always' } },
  ]);
  expect(
    problemsOf({ deploy: { ...deploy, placement: { max: 1 }, update_config: {}, endpoint_mode: 'vip' }, cpus: 1 }),
  ).toEqual([
    'deploy.placement: is for swarms: hosts are chosen by the inventory, and `when` leaves a service out on some. Remove it',
    'deploy.endpoint_mode: is for swarms: there is no swarm. Remove it',
    'deploy.resources.limits.cpus: says 0.5, and cpus says 1; keep one of them',
  ]);
});

test('the mode of a file is a number that YAML has read, or octal digits in text', () => {
  const modeOf = (mode: unknown) =>
    Object.values((service({ configs: [{ target: '/a', content: '', mode }] }).spec['configs'] ?? {}) as object).map(
      (file: { readonly mode: string }) => file.mode,
    );
  expect([0o440, '0440', '440', 292, 0o711, 0o100, 440, undefined].flatMap(modeOf)).toEqual([
    '0440',
    '0440',
    '0440',
    '0444',
    '0711',
    '0100',
    '0670',
    '0400',
  ]);
});

test('networks and volumes go by their names on the host', () => {
  const context = {
    ...serviceContext(),
    networkNames: new Map([['back', 'shop_back']]),
    volumeNames: new Map([['data', 'shop_data']]),
  };
  const written = {
    networks: ['back'],
    volumes: ['data:/a', { type: 'volume', source: 'data', target: '/b' }, '/etc:/c'],
  };
  expect(service(written, 'app', context).spec).toEqual({
    networks: { shop_back: { aliases: ['app'] } },
    volumes: {
      '/a': { type: 'volume', source: 'shop_data' },
      '/b': { type: 'volume', source: 'shop_data' },
      '/c': { type: 'bind', source: '/etc' },
    },
  });
});

test.each(['SIGTERM', 'term', 'sigquit', 'INT', 'RTMIN+3', 'SIGRTMAX-14', 'rtmin', '15', '64'])(
  'stop_signal: %s is taken',
  (signal) => {
    expect(problemsOf({ stop_signal: signal })).toEqual([]);
  },
);

test.each(['SIGNOPE', 'SIG', 'TERM ', 'RTMIN+16', 'RTMAX-15', '0', '65', '-9', 'SIG15', '1.5'])(
  'stop_signal: %s is refused at load, as docker would when the container is created',
  (signal) => {
    expect(problemsOf({ stop_signal: signal })).toEqual([
      `stop_signal: must be a signal of Linux${/^\d+$/.test(signal) ? ': 1 to 64' : ', such as SIGTERM, INT or 15'}; got ${JSON.stringify(signal)}`,
    ]);
  },
);

test.each([
  [{ nofile: { soft: 9, hard: 3 } }, 'nofile: soft is 9, but hard is 3: soft must not be above hard'],
  [{ core: { soft: -1, hard: 0 } }, 'core: soft is unlimited (-1), but hard is 0: soft must not be above hard'],
  [
    { files: 1024 },
    'files: is no limit of Linux; known are core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack',
  ],
  [{ nproc: -1, NOFILE: 5 }, expect.stringContaining('NOFILE: is no limit of Linux')],
])('ulimits: %j are refused at load, as docker would when the container is created', (ulimits, problem) => {
  expect(problemsOf({ ulimits }).map((text) => text.replace('ulimits.', ''))).toEqual([problem]);
});

test('ulimits: without an upper end, equal, and of nothing are taken', () => {
  const ulimits = { nofile: { soft: 5, hard: -1 }, memlock: -1, nproc: { soft: -1, hard: -1 }, core: 0 };
  expect(problemsOf({ ulimits })).toEqual([]);
});
