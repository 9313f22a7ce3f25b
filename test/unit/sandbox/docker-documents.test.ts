import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { docker, engineWithBusybox } from '../../support/sandbox-docker.ts';

type Document = Readonly<Record<string, unknown>>;

const caseOf = async (name: string): Promise<Document> =>
  JSON.parse(await readFile(new URL(`../../cases/sandbox/docker-20.10/${name}`, import.meta.url), 'utf8')) as Document;

/** As recorded: what was typed, and the document that docker 20.10 showed of it. */
const recordings = [
  { file: 'created.json', name: 'qq', options: '', image: 't:1' },
  {
    file: 'options.json',
    name: 'hp',
    image: 't:1',
    options:
      '-p 0:80 -p 8443 --expose 99 --read-only --user 1:1 --workdir /w --stop-signal SIGINT --pids-limit 5 --tty -i ' +
      '--shm-size 1m --health-cmd x --health-start-period 5s --health-timeout 2s --health-retries 4 --domainname d.e ' +
      '--mac-address 02:00:00:00:00:01 --group-add 5 --cap-drop ALL --dns-search a.b --dns-opt x --ipc host --pid host ' +
      '--uts host --cgroup-parent /p --cpu-shares 5 --cpuset-cpus 0 --memory-reservation 10m --memory-swappiness 5 ' +
      "--oom-score-adj 5 --device-cgroup-rule 'c 1:3 rmw' --log-driver none --volumes-from qq --runtime runc " +
      '--userns host --cgroupns host --mount type=bind,src=/etc,dst=/b,readonly,bind-propagation=rshared ' +
      '--mount type=volume,src=mv,dst=/mv,volume-nocopy',
  },
  {
    file: 'running.json',
    name: 'app',
    image: 't:1',
    options:
      '-p 8080:8080 -e X=1 --restart always -l rollout.play=x -v /etc:/hostetc:ro -v vol1:/data ' +
      '--mount type=tmpfs,dst=/t --memory 64m --cpus 0.5 --stop-timeout 5 --health-cmd true --health-interval 10ms ' +
      '--add-host a:1.2.3.4 --ulimit nofile=100:200 --log-opt max-size=10m --cap-add NET_ADMIN --tmpfs /tm:size=1m ' +
      '--device /dev/null --dns 8.8.8.8 --sysctl net.core.somaxconn=100 --security-opt no-new-privileges --init -h hh',
  },
];

for (const { file, name, options, image } of recordings) {
  test(`a container's document is docker 20.10's, key for key: ${file}`, async () => {
    const recorded = await caseOf(file);
    const engine = engineWithBusybox();
    await docker(engine, `docker create --name ${name} ${options} ${image}`);
    if (file === 'running.json') {
      await docker(engine, `docker start ${name}`);
      while (engine.container(name).health?.status !== 'healthy') await new Promise(setImmediate);
    }
    const { stdout } = await docker(engine, `docker container inspect ${name}`);
    engine.powerOff();
    const [document] = JSON.parse(stdout) as Document[];
    expect(steady(document ?? {})).toEqual(steady(recorded));
  });
}

test("an image's document is docker 20.10's, key for key", async () => {
  const { stdout } = await docker(engineWithBusybox(), 'docker image inspect t:1');
  const [document] = JSON.parse(stdout) as Document[];
  expect(Object.keys(document ?? {})).toEqual(Object.keys(await caseOf('image.json')));
  expect(document?.['Config']).toEqual((await caseOf('image.json'))['Config']);
});

test("a network's document is docker 20.10's, key for key", async () => {
  const engine = engineWithBusybox();
  await docker(engine, 'docker network create n1 --label x=y');
  const [document] = JSON.parse((await docker(engine, 'docker network inspect n1')).stdout) as Document[];
  expect(steady(document ?? {})).toEqual(steady(await caseOf('network.json')));
});

/** Without what differs between any two containers: ids, times, process ids, addresses; the recording's own names. */
function steady(document: Document): unknown {
  const text = JSON.stringify(document)
    .replace(/[0-9a-f]{64}/g, '<id>')
    .replace(/(?<="|netns\/)[0-9a-f]{12}(?=")/g, '<id>')
    .replace(/\/var\/lib\/docker\/overlay2\/[^"]*/g, '<layer>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/"Pid":\d+/g, '"Pid":0')
    .replace(/"Log":\[.*?\]/g, '"Log":[]')
    .replace(/"Interval":\d+/g, '"Interval":0')
    .replace(/172\.17\.0\.\d+/g, '<address>')
    .replace(/02:42:ac:11:00:[0-9a-f]+/g, '<mac>')
    .replaceAll('127.0.0.1:5000/shop/app:1', 't:1');
  return JSON.parse(text);
}
