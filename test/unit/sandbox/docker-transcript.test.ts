import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { docker, engineWithBusybox } from '../../support/sandbox-docker.ts';

const caseFile = new URL('../../cases/sandbox/docker-20.10/transcript.txt', import.meta.url);
const stdin = 'A=1\n# no\n\nC=x y\nBARE\n';

test('answers a session of commands word for word as docker 20.10 did, ids aside', async () => {
  const recorded = await readFile(caseFile, 'utf8');
  const lines = [...recorded.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line);
  const engine = engineWithBusybox();
  let transcript = '';
  for (const line of lines) {
    const { exitCode, stdout, stderr } = await docker(engine, line, stdin);
    transcript += `$ ${line}\n${prefixed('1', stdout)}${prefixed('2', stderr)}[${exitCode}]\n`;
  }
  engine.powerOff();
  expect(withoutIds(transcript)).toBe(withoutIds(recorded));
});

/** Each line behind the number of its stream. */
function prefixed(stream: string, text: string): string {
  return text.replace(/[^\n]*\n/g, (line) => `${stream} ${line}`);
}

function withoutIds(transcript: string): string {
  return transcript.replace(/\b[0-9a-f]{64}\b/g, '<id>').replace(/\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, '<short id>');
}
