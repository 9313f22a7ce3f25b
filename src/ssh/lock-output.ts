import { StringDecoder } from 'node:string_decoder';
import type { RemoteProcess } from './remote.ts';

/** What a command printed that ran as soon as the lock was held. */
export interface LockReport {
  readonly exitCode: number;
  readonly stdout: string;
}

/** Of a report: more is none. */
const mostReportLength = 16 << 20;
/** Of the first line, and of stderr. */
const mostAnswerLength = 4096;

/** What the lock's script prints: its answer in the first line, then what the report printed, then that it has let go. */
export class LockOutput {
  /** Where nothing came on stdout, what stands on stderr. @throws RemoteError when the connection is lost before it */
  readonly answer: Promise<string>;
  /** Undefined where there is none, and for one that is too long. */
  readonly report: Promise<LockReport | undefined>;
  readonly farewell: Promise<void>;
  readonly #mark: string;
  readonly #decoder = new StringDecoder('utf8');
  /** What is not understood yet. */
  #text = '';
  #answered: (line: string) => void = () => undefined;
  #reported: (report: LockReport | undefined) => void = () => undefined;
  #left: () => void = () => undefined;
  #hasAnswered = false;
  #isReported = false;

  /** `mark`: in front of what the script itself says after its first line; no report holds it. */
  constructor(process: RemoteProcess, mark: string) {
    this.#mark = mark;
    let stderr = '';
    process.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(0, mostAnswerLength);
    });
    process.stdout.on('data', (chunk: Buffer) => this.#add(chunk));
    const line = new Promise<string>((resolve) => (this.#answered = resolve));
    const ended = process.exited.then(
      (exitCode) => this.#text.trim() || stderr.trim() || `the lock script ended with ${exitCode}`,
    );
    this.answer = Promise.race([line, ended]);
    this.report = new Promise((resolve) => (this.#reported = resolve));
    this.farewell = new Promise((resolve) => (this.#left = resolve));
    const end = (): void => {
      this.#reported(undefined);
      this.#left();
    };
    ended.then(end, end);
  }

  #add(chunk: Buffer): void {
    this.#text += this.#decoder.write(chunk);
    this.#readAnswer();
    if (!this.#hasAnswered || !chunk.includes('\n')) {
      this.#forget();
      return;
    }
    const end = this.#text.indexOf(`${this.#mark} `);
    const lineEnd = end === -1 ? -1 : this.#text.indexOf('\n', end);
    if (lineEnd === -1) {
      this.#forget();
      return;
    }
    const word = this.#text.slice(end + this.#mark.length + 1, lineEnd);
    const stdout = this.#text.slice(0, end);
    this.#text = this.#text.slice(lineEnd + 1);
    if (word === 'bye') this.#left();
    else {
      if (!this.#isReported) this.#reported({ exitCode: Number(word), stdout });
      this.#isReported = true;
    }
    // Both may come at once.
    if (this.#text !== '') this.#add(Buffer.from('\n'));
  }

  #readAnswer(): void {
    if (this.#hasAnswered) return;
    const lineEnd = this.#text.indexOf('\n');
    if (lineEnd === -1 && this.#text.length < mostAnswerLength) return;
    this.#hasAnswered = true;
    this.#answered(this.#text.slice(0, lineEnd === -1 ? mostAnswerLength : lineEnd));
    this.#text = lineEnd === -1 ? '' : this.#text.slice(lineEnd + 1);
  }

  /** Whatever a host prints: no run is to run out of memory by it. */
  #forget(): void {
    if (!this.#isReported && this.#text.length <= mostReportLength) return;
    if (!this.#isReported) this.#reported(undefined);
    this.#isReported = true;
    this.#text = this.#text.slice(-2 * (this.#mark.length + 8));
  }
}
