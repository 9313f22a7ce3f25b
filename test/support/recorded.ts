import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../cases/docker');

/** Dockers whose answers are recorded; `npm run record-docker` records those that are not the machine's own. */
export const recordedDockers = ['20.10', '26.1', '28.5', '28.5-containerd', '29.1', '29.1-containerd'] as const;
export type RecordedDocker = (typeof recordedDockers)[number];
export type RecordedAnswer = 'observe.txt' | 'survey.txt' | 'pull.txt' | 'pull-terminal.txt';

export const recordingFile = (docker: RecordedDocker, answer: RecordedAnswer): string => join(folder, docker, answer);

export const readRecording = (docker: RecordedDocker, answer: RecordedAnswer): Promise<string> =>
  readFile(recordingFile(docker, answer), 'utf8');

export const recordedImage = 'registry.example.com/shop/app:1.4';

/** What the recordings were asked for; there is no `nobody`. */
export const recordedWanted = { names: ['app', 'by-hand', 'nobody'], images: [recordedImage] };

/** The layers that the recorded pulls brought, with their bytes as the manifest has them. The host had another one before. */
export const recordedLayers: ReadonlyMap<string, number> = new Map([
  ['sha256:3b51ea7b570722e0935c5a0db822f13e6d7ed8753b32d479205b0cb9a6e39cea', 6_002_011],
  ['sha256:f7a2ac5460b43a468f35bf6515071e908e7b5094698460b285b7b856eb25a415', 3_001_101],
  ['sha256:34c3014f8ca32d1826884becfce91056c28d66cdae72402735b1bceb77ffe9cc', 2_000_796],
  ['sha256:d849f6375a7ffb597861c36f660f39e738a8f4226a8a69f74dee67f253067d08', 500_321],
]);

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
