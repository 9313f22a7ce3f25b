import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { defaultOptions } from '../api/options.ts';
import { exitCodes } from '../events/exit-code.ts';
import { formatDuration } from '../model/duration.ts';
import { textWriter } from '../render/output.ts';
import { startLoad, type Load, type LoadReport } from '../sandbox/load.ts';
import { startSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { takeSignals } from '../boot/early-signals.ts';
import { demoComposition, demoPlaybook, firstDeployment } from './demo-files.ts';
import type { OutputOptions } from './options.ts';
import { runCommand, type RunFlags } from './run.ts';
import type { World } from './world.ts';

const hosts = 6;
// Gentle enough to leave most of a core to everything else in this process.
const traffic = { connections: 20, slowShare: 0.25, slowMs: [300, 800], thinkMs: 25 } as const;

/** A demo that was cut short, or that did not show what it should. */
class DemoEnded extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Six hosts under load: a first deployment, a rolling update, a release that the canary stops; then what became of
 * every request. @returns 0 when nothing was lost and every run ended as it should
 */
export async function demoCommand(options: OutputOptions, world: World): Promise<number> {
  const isJson = options.output === 'json';
  const say = isJson ? () => {} : textWriter(world.stdout);
  const interrupted = listenForInterrupt();
  const startedMs = world.clock.now();
  let demo: Demo | undefined;
  try {
    demo = await Demo.start(options, world, interrupted);
    say(`Six hosts with sshd and docker, a registry and HAProxy, all inside this process. First, version 1.0.\n`);
    await demo.deployFirst();
    say('\nVersion 2.0, a node at a time first, while twenty clients send requests:\n\n');
    const update = await demo.deploy('2.0', exitCodes.done);
    say(`\n${answeredLine(update)}\n\nVersion 3.0 cannot reach its database, and crashes as soon as it starts:\n\n`);
    const broken = await demo.deploy('3.0', exitCodes.rolledBack);
    say(`\n${answeredLine(broken)}\n\nDone in ${formatDuration(world.clock.now() - startedMs)}.\n`);
    return update.failed + broken.failed === 0 ? 0 : 1;
  } catch (error) {
    if (!(error instanceof DemoEnded)) throw error;
    textWriter(world.stderr)(`rollout demo: ${error.message}\n`);
    return error.exitCode;
  } finally {
    await demo?.close();
    interrupted.close();
  }
}

function answeredLine({ requests, ok, failed, byVersion, p99Ms }: LoadReport): string {
  const count = (value: number) => value.toLocaleString('en-US');
  const versions = Object.entries(byVersion).map(([version, answers]) => `${version}: ${count(answers)}`);
  return (
    `${count(requests)} requests, ${count(ok)} answered (${versions.join(', ')}), ${count(failed)} lost; ` +
    `99 % of the quick ones within ${formatDuration(p99Ms)}.`
  );
}

class Demo {
  readonly #sandbox: Sandbox;
  readonly #options: OutputOptions;
  readonly #world: World;
  readonly #interrupt: Interrupt;
  #load: Load | undefined;

  private constructor(sandbox: Sandbox, options: OutputOptions, world: World, interrupt: Interrupt) {
    this.#sandbox = sandbox;
    this.#options = options;
    // Nothing of the user's own: no journal in the working folder, no ssh-agent that offers its keys.
    const env: NodeJS.ProcessEnv = { ...world.env, ROLLOUT_STATE_DIR: join(sandbox.dir, 'state') };
    delete env['SSH_AUTH_SOCK'];
    this.#world = { ...world, env, cwd: sandbox.dir, homeDir: sandbox.dir };
    this.#interrupt = interrupt;
  }

  static async start(options: OutputOptions, world: World, interrupt: Interrupt): Promise<Demo> {
    const sandbox = await startSandbox({ hosts, clock: world.clock });
    sandbox.publish('shop/health', '1.0');
    sandbox.publish('shop/app', '1.0');
    sandbox.publish('shop/app', '2.0');
    sandbox.publish('shop/app', '3.0', { APP_FAULT: 'crash' });
    return new Demo(sandbox, options, world, interrupt);
  }

  /** Everything at once and without a canary: nothing serves yet. */
  async deployFirst(): Promise<void> {
    // Of a terminal's stream only write() is used where nothing is to be seen.
    const silence = new PassThrough().resume() as unknown as NodeJS.WriteStream;
    await this.#run('1.0', { ...firstDeployment, world: { ...this.#world, stdout: silence }, expectedExitCode: 0 });
  }

  /** Under load; resolves to what became of the requests. */
  async deploy(version: string, expectedExitCode: number): Promise<LoadReport> {
    this.#load = startLoad({ url: this.#sandbox.frontendUrl, clock: this.#world.clock, ...traffic });
    await this.#run(version, { strategy: undefined, world: this.#world, expectedExitCode });
    const report = await this.#load.stop();
    this.#load = undefined;
    return report;
  }

  async close(): Promise<void> {
    await this.#load?.stop();
    await this.#sandbox.close();
  }

  async #run(
    version: string,
    how: { strategy: string | undefined; world: World; expectedExitCode: number },
  ): Promise<void> {
    const { dir, registry, inventoryFile, statsUrl } = this.#sandbox;
    const file = (name: string) => join(dir, name);
    await writeFile(file('composition.yaml'), demoComposition(registry.address, version));
    await writeFile(file('playbook.yaml'), demoPlaybook(statsUrl, how.strategy));
    this.#interrupt.throwIfRequested();
    const exitCode = await runCommand(file('playbook.yaml'), runOptions(this.#options, inventoryFile), how.world);
    this.#interrupt.throwIfRequested();
    if (exitCode !== how.expectedExitCode) {
      throw new DemoEnded(1, `the run of ${version} ended with ${exitCode}, not ${how.expectedExitCode}`);
    }
  }
}

function runOptions(output: OutputOptions, inventoryFile: string): RunFlags {
  return {
    ...defaultOptions,
    ...output,
    inventory: [inventoryFile],
    check: false,
    diff: false,
    confirm: false,
    bake: true,
    ignoreWindow: false,
    resumePaused: false,
  };
}

interface Interrupt {
  throwIfRequested(): void;
  close(): void;
}

/** The run under way brings its nodes to a safe point; then the demo ends, and clears up. */
function listenForInterrupt(): Interrupt {
  let isRequested = false;
  const request = (): void => {
    isRequested = true;
  };
  const close = takeSignals(request);
  return {
    throwIfRequested: () => {
      if (isRequested) throw new DemoEnded(exitCodes.interrupted, 'interrupted; nothing is left behind');
    },
    close,
  };
}
