import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Fleet } from './fleet.ts';
import type { Answer, SandboxMethods, SandboxPlaces, SandboxProcessOptions } from './sandbox-commands.ts';

/** A sandbox in another process, as a fleet. */
export interface SandboxChild extends Fleet {
  readonly kind: 'sandbox';
  readonly pid: number;
  /** Anything else that the process can be asked. */
  call<Method extends keyof SandboxMethods>(
    method: Method,
    ...args: Parameters<SandboxMethods[Method]>
  ): Promise<Awaited<ReturnType<SandboxMethods[Method]>>>;
}

const tsx = fileURLToPath(import.meta.resolve('tsx'));
const script = fileURLToPath(new URL('./sandbox-process.ts', import.meta.url));

export async function startSandboxChild(options: SandboxProcessOptions): Promise<SandboxChild> {
  const child = spawn(process.execPath, ['--import', tsx, script, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let calls = 0;
  const places = await new Promise<SandboxPlaces>((resolve, reject) => {
    void exited.then(() => {
      const error = new Error(`the sandbox process ended with ${child.exitCode ?? child.signalCode ?? 'nothing'}`);
      reject(error);
      for (const call of waiting.values()) call.reject(error);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      if ('ready' in answer) {
        resolve(answer.ready);
        return;
      }
      const call = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('error' in answer) call?.reject(new Error(answer.error));
      else call?.resolve(answer.result);
    });
  });

  const call: SandboxChild['call'] = (method, ...args) =>
    new Promise((resolve, reject) => {
      calls += 1;
      waiting.set(calls, { resolve: resolve as (result: unknown) => void, reject });
      child.stdin.write(`${JSON.stringify({ id: calls, method, args })}\n`);
    });
  return {
    ...places,
    kind: 'sandbox',
    pid: child.pid ?? 0,
    call,
    publish: (repository, tag, env, volumes) => call('publish', repository, tag, env, volumes),
    docker: (host, args) => call('docker', host, args),
    setWeight: (host, weight) => call('setWeight', host, weight),
    hostDown: (host) => call('hostDown', host),
    hostUp: (host) => call('hostUp', host),
    partition: (host) => call('partition', host),
    heal: (host) => call('heal', host),
    close: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
