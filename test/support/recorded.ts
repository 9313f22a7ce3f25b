import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../cases/docker');

/** Dockers whose answers are recorded; `npm run record-docker` records those that are not the machine's own. */
export const recordedDockers = ['20.10', '26.1', '28.5', '28.5-containerd'] as const;
export type RecordedDocker = (typeof recordedDockers)[number];
export type RecordedAnswer = 'observe.txt' | 'survey.txt';

export const recordingFile = (docker: RecordedDocker, answer: RecordedAnswer): string => join(folder, docker, answer);

export const readRecording = (docker: RecordedDocker, answer: RecordedAnswer): Promise<string> =>
  readFile(recordingFile(docker, answer), 'utf8');

export const recordedImage = 'registry.example.com/shop/app:1.4';

/** What the recordings were asked for; there is no `nobody`. */
export const recordedWanted = { names: ['app', 'by-hand', 'nobody'], images: [recordedImage] };

/** What `app` of the recordings was made from. Beside it stands `by-hand`, made with docker create, and `health`. */
export const recordedApp = {
  image: recordedImage,
  ports: ['8080:8080'],
  environment: { LOG_LEVEL: 'info', API: { secret: 'db_password' } },
  labels: { team: 'shop' },
  restart: 'always',
  mem_limit: '64m',
  networks: ['backend'],
  volumes: ['data:/data'],
  configs: [{ target: '/etc/app.conf', content: 'level=1\n' }],
  healthcheck: { test: 'true', interval: '1s' },
  stop_grace_period: '20s',
};
