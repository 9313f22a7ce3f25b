import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadReport } from '../../src/sandbox/load.ts';

const loadProcess = fileURLToPath(new URL('load-process.ts', import.meta.url));
const tsx = fileURLToPath(import.meta.resolve('tsx'));

/**
 * Does something while 20 clients, a quarter of them with requests of 1 to 2 seconds, use the front end; from a process
 * of their own, so that neither slows the other. The work begins after the first answers.
 * @param thinkMs pause of each of the 15 quick clients after an answer: 50 is some 300 requests a second, 10 some 1,000
 */
export async function underLoad<T>(
  url: string,
  work: () => Promise<T>,
  { thinkMs = 50 }: { readonly thinkMs?: number } = {},
): Promise<{ readonly result: T; readonly report: LoadReport }> {
  const child = spawn(process.execPath, ['--import', tsx, loadProcess, url, '--think-ms', String(thinkMs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  try {
    const result = await work();
    child.stdin.end();
    const report = await lines.next();
    return { result, report: JSON.parse(String(report.value)) as LoadReport };
  } finally {
    child.kill();
  }
}
