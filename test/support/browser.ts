import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex, Readable, Writable } from 'node:stream';

/** How a page is looked at. */
export interface Look {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  readonly medium?: 'screen' | 'print';
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** Headless Chromium with one page, driven over a pipe: it listens on no port, and ends with this process. */
export class Browser {
  /** Everything that the console or the log said, and every exception. */
  readonly complaints: string[] = [];
  /** Every address that was asked for. */
  readonly requests: string[] = [];
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #pending = new Map<number, (message: Message) => void>();
  readonly #loaded = new Set<() => void>();
  #lastId = 0;
  #session: string | undefined;

  private constructor(process: ChildProcess, profile: string) {
    this.#process = process;
    this.#profile = profile;
    let rest = '';
    (process.stdio[4] as Readable).on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\0');
      rest = parts.pop() ?? '';
      for (const part of parts) this.#take(JSON.parse(part) as Message);
    });
  }

  static async start(): Promise<Browser> {
    const profile = await mkdtemp(join(tmpdir(), 'rollout-chromium-'));
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
    ];
    const child = spawn('chromium', [...flags, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      // It leaves its socket's folder behind; so that goes with the profile.
      env: { ...process.env, TMPDIR: profile },
    });
    const browser = new Browser(child, profile);
    const { targetId } = await browser.#send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await browser.#send('Target.attachToTarget', { targetId, flatten: true });
    browser.#session = sessionId as string;
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.#send(`${domain}.enable`);
    return browser;
  }

  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => this.#loaded.add(resolve));
    await this.#send('Page.navigate', { url });
    await loaded;
  }

  async look({ width, scheme, medium = 'screen' }: Look): Promise<void> {
    const mobile = width < 500;
    await this.#send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile });
    const features = [{ name: 'prefers-color-scheme', value: scheme }];
    await this.#send('Emulation.setEmulatedMedia', { media: medium, features });
  }

  /** What an expression gives, as JSON can say it. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', { expression, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { readonly value: Value }).value;
  }

  async press(key: 'Tab' | 'Enter'): Promise<void> {
    const text = key === 'Enter' ? { text: '\r' } : {};
    const code = key === 'Enter' ? 13 : 9;
    const about = { key, code: key, windowsVirtualKeyCode: code };
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', ...about, ...text });
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', ...about });
  }

  async pdf(): Promise<Buffer> {
    const { data } = await this.#send('Page.printToPDF', { printBackground: true });
    return Buffer.from(data as string, 'base64');
  }

  /** The whole page, as PNG. */
  async screenshot(): Promise<Buffer> {
    const { data } = await this.#send('Page.captureScreenshot', { captureBeyondViewport: true });
    return Buffer.from(data as string, 'base64');
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #send(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#lastId;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    const answered = new Promise<Message>((resolve) => this.#pending.set(id, resolve));
    const input = this.#process.stdio[3] as Writable | Duplex;
    input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    const { error, result = {} } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  #take({ id, method, params = {}, ...answer }: Message): void {
    if (id !== undefined) {
      this.#pending.get(id)?.(answer);
      this.#pending.delete(id);
      return;
    }
    if (method === 'Page.loadEventFired') {
      for (const resolve of this.#loaded) resolve();
      this.#loaded.clear();
    } else if (method === 'Network.requestWillBeSent') {
      this.requests.push((params['request'] as { readonly url: string }).url);
    } else if (
      method === 'Runtime.consoleAPICalled' ||
      method === 'Runtime.exceptionThrown' ||
      method === 'Log.entryAdded'
    ) {
      this.complaints.push(JSON.stringify(params));
    }
  }
}
