import { expect, test } from 'vitest';
import { policyViolations } from '../../../src/service/policy.ts';
import { cleanHostPath, policySchema } from '../../../src/service/policy-schema.ts';
import { parseService } from '../../../src/service/parse.ts';

const digest = `sha256:${'1'.repeat(64)}`;

/** `key: message` of everything that a policy does not allow in a service. */
function check(policy: object, service: object): string[] {
  const context = { secrets: new Map(), component: () => undefined, readFile: () => undefined };
  const { services, problems } = parseService('app', { image: 'app', ...service }, context);
  expect(problems).toEqual([]);
  return services.flatMap((each) =>
    policyViolations(policySchema.parse(policy), each).map(({ key, message }) => `${key}: ${message}`),
  );
}

const everything = {
  privileged: true,
  network_mode: 'host',
  pid: 'host',
  cap_add: ['ALL'],
  devices: ['/dev/sda'],
  volumes: ['/:/host'],
};

test('a rule that is not written allows everything', () => {
  expect(check({}, everything)).toEqual([]);
  expect(check({ privileged: true, root: true, tags_without_digest: true }, everything)).toEqual([]);
});

test('a service that keeps every rule is left alone', () => {
  const strict = {
    privileged: false,
    host_namespaces: [],
    host_mounts: { allow: [] },
    devices: [],
    gpus: false,
    unconfined: false,
    images: ['registry.example.com/shop'],
    tags_without_digest: false,
    root: false,
    capabilities: [],
    ports_on_all_interfaces: false,
  };
  const service = {
    image: `registry.example.com/shop/app:1@${digest}`,
    user: 'shop',
    ipc: 'private',
    network_mode: 'none',
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges', 'seccomp=/etc/docker/strict.json', 'apparmor:shop'],
    volumes: ['data:/data', { type: 'tmpfs', target: '/tmp' }],
    environment: { PATH_OF_HOST: '/etc' },
  };
  expect(check(strict, service)).toEqual([]);
});

test.each(['root', '0', '00', '0:1000', 'root:shop', '+0', ':1000'])('the user %s is root', (user) => {
  const message = `user: must not be root; got ${JSON.stringify(user)}`;
  expect(check({ root: false }, { user })).toEqual([message]);
  expect(check({ root: false, allow_image_user: true }, { user })).toEqual([message]);
});

test.each(['1000', '1000:0', 'shop', 'rooty', '10:10', 1])('the user %s is not root', (user) => {
  expect(check({ root: false }, { user })).toEqual([]);
});

test("a service without a user is the image's user, which a policy allows by name only", () => {
  const message = 'user: must be set: without it the container runs as whom its image says, often root';
  expect(check({ root: false }, {})).toEqual([message]);
  expect(check({ root: false, allow_image_user: true }, {})).toEqual([]);
});

test.each([
  ['/run/docker.sock', '/var/run/docker.sock'],
  ['/run/docker.sock', '//run/./x/../docker.sock/'],
  ['/etc', '/srv/../etc/shadow'],
  ['/etc', '/../../etc'],
])('with %s denied, %s cannot be mounted', (denied, path) => {
  expect(
    check({ host_mounts: { deny: [denied] } }, { volumes: [{ type: 'bind', source: path, target: '/a' }] }),
  ).toEqual([
    expect.stringContaining(
      `volumes: must not mount ${path.replace('//', '/').replace(/\/$/, '')}, which is ${cleanHostPath(path)}`,
    ),
  ]);
});

test('what contains a denied path cannot be mounted either, and says why', () => {
  const policy = { host_mounts: { allow: ['/'], deny: ['/run/docker.sock'] } };
  expect(check(policy, { volumes: ['/run:/run', '/srv:/srv'] })).toEqual([
    'volumes: must not mount /run: /run/docker.sock is in it',
  ]);
});

test('a prefix ends where a folder or a repository ends', () => {
  expect(check({ host_mounts: { allow: ['/srv/shop'] } }, { volumes: ['/srv/shop/a:/a', '/srv/shop2:/b'] })).toEqual([
    'volumes: must not mount /srv/shop2; allowed paths are /srv/shop',
  ]);
  const images = ['r.example.com/shop', 'localhost:5000', 'redis', 'team/app'];
  for (const image of ['r.example.com/shop/app:1', 'r.example.com/shop', 'localhost:5000/a', 'redis', 'team/app/web'])
    expect({ image, found: check({ images }, { image }) }).toEqual({ image, found: [] });
  for (const image of ['r.example.com/shop2', 'r.example.com.evil.example/shop', 'evil/redis', 'localhost:50001/a'])
    expect({ image, found: check({ images }, { image }) }).toEqual({
      image,
      found: [
        expect.stringMatching(/^image: must not come from .*; allowed images are those from r\.example\.com\/shop, /),
      ],
    });
});

test('an image needs its digest where tags alone are not allowed', () => {
  expect(check({ tags_without_digest: false }, { image: `app@${digest}` })).toEqual([]);
  expect(check({ tags_without_digest: false }, { image: 'r.example.com/app:1' })).toEqual([
    'image: must have a digest; got r.example.com/app:1. Write NAME:TAG@sha256:…, or take it from a locked composition',
  ]);
});

test('capabilities are the same with and without CAP_, in any case', () => {
  expect(check({ capabilities: ['cap_net_admin'] }, { cap_add: ['NET_ADMIN', 'CAP_SYS_TIME'] })).toEqual([
    'cap_add: must not add SYS_TIME; allowed ones are NET_ADMIN',
  ]);
  expect(check({ capabilities: [] }, { cap_add: ['ALL'] })).toEqual(['cap_add: must not add ALL; none is allowed']);
  expect(check({ capabilities: ['ALL'] }, { cap_add: ['SYS_ADMIN'] })).toEqual([]);
});

test('a port is bound to one address however it is written', () => {
  const policy = { ports_on_all_interfaces: false };
  expect(check(policy, { ports: ['127.0.0.1:80:80', '[::1]:81:80', { target: 80, host_ip: '10.0.0.1' }] })).toEqual([]);
  expect(check(policy, { ports: ['82:80', '0.0.0.0:83:80', '[::]:84:80', { target: 85, published: '86' }] })).toEqual([
    expect.stringMatching(
      /^ports: must each name an address of the host, as 127\.0\.0\.1:8080:80; got (?:[^,]+, ){3}[^,]+$/,
    ),
  ]);
});

test('what takes the confinement away is found in both ways to write it', () => {
  const security_opt = [
    'seccomp:unconfined',
    'apparmor=unconfined',
    'label:disable',
    'systempaths=unconfined',
    'no-new-privileges:true',
  ];
  expect(check({ unconfined: false }, { security_opt })).toEqual([
    'security_opt: must not have apparmor=unconfined, label=disable, seccomp=unconfined, systempaths=unconfined; give the container a profile of its own, or what it needs with cap_add',
  ]);
  expect(check({ unconfined: true }, { security_opt })).toEqual([]);
});

test('graphics processors are found under gpus and under deploy, and devices also by their numbers', () => {
  const deploy = { resources: { reservations: { devices: [{ capabilities: ['gpu'], count: 1 }] } } };
  expect(check({ gpus: false }, { gpus: 'all' })).toEqual(['gpus: must not have graphics processors; got count=all']);
  expect(check({ gpus: false }, { deploy })).toEqual(['gpus: must not have graphics processors; got count=1']);
  expect(check({ gpus: false }, { devices: ['/dev/dri'] })).toEqual([]);
  expect(check({ devices: ['/dev/dri'] }, { device_cgroup_rules: ['c 1:3 mr'], devices: ['/dev/dri/card0'] })).toEqual([
    'device_cgroup_rules: must not have c 1:3 mr; name devices under devices',
  ]);
});
