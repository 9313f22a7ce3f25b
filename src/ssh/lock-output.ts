import { GrowingBuffer } from './growing-buffer.ts';
import type { RemoteProcess } from './remote.ts';

/** What a command printed that ran as soon as the lock was held. */
export interface LockReport {
  readonly exitCode: number;
  readonly stdout: string;
}

/** Of a report: more is none. */
export const mostReportBytes = 16 << 20;
/** Of the first line, and of stderr. */
export const mostAnswerBytes = 4096;
/** Of what the script says behind its mark. */
const mostWordBytes = 16;

/** What the lock's script prints: its answer in the first line, then what the report printed, then that it has let go. */
export class LockOutput {
  /** Where nothing came on stdout, what stands on stderr. @throws RemoteError when the connection is lost before it */
  readonly answer: Promise<string>;
  readonly farewell: Promise<void>;
  /** A file could not be kept on the host. */
  readonly unkept: Promise<void>;
  readonly #mark: Buffer;
  /** What is not understood yet: the first line so far, then what may be the beginning of a mark. */
  #tail: Buffer = Buffer.alloc(0);
  readonly #report = new GrowingBuffer();
  #answered: (line: string) => void = () => undefined;
  #reported: (report: LockReport | undefined) => void = () => undefined;
  #toTake: Promise<LockReport | undefined>;
  #left: () => void = () => undefined;
  #unkept: () => void = () => undefined;
  #hasAnswered = false;
  #isReported = false;

  /** `mark`: in front of what the script itself says after its first line; no report holds it. */
  constructor(process: RemoteProcess, mark: string) {
    this.#mark = Buffer.from(`${mark} `);
    let stderr = '';
    process.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(0, mostAnswerBytes);
    });
    process.stdout.on('data', (chunk: Buffer) => this.#add(chunk));
    const line = new Promise<string>((resolve) => (this.#answered = resolve));
    const ended = process.exited.then(
      (exitCode) => this.#tail.toString().trim() || stderr.trim() || `the lock script ended with ${exitCode}`,
    );
    this.answer = Promise.race([line, ended]);
    this.#toTake = new Promise((resolve) => (this.#reported = resolve));
    this.unkept = new Promise((resolve) => (this.#unkept = resolve));
    this.farewell = new Promise((resolve) => (this.#left = resolve));
    const end = (): void => {
      this.#endReport(undefined);
      this.#left();
    };
    ended.then(end, end);
  }

  /**
   * Undefined where there is none, for one that is too long, and when asked again: a report is long, and its lock is held
   * for as long as the run takes.
   */
  takeReport(): Promise<LockReport | undefined> {
    const report = this.#toTake;
    this.#toTake = Promise.resolve(undefined);
    return report;
  }

  #add(chunk: Buffer): void {
    this.#tail = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    if (!this.#hasAnswered) this.#readAnswer();
    while (this.#hasAnswered && this.#takeWord());
  }

  #readAnswer(): void {
    const lineEnd = this.#tail.indexOf('\n');
    if (lineEnd === -1 && this.#tail.length < mostAnswerBytes) return;
    this.#hasAnswered = true;
    const length = lineEnd === -1 ? mostAnswerBytes : Math.min(lineEnd, mostAnswerBytes);
    this.#answered(this.#tail.toString('utf8', 0, length));
    this.#tail = lineEnd === -1 ? Buffer.alloc(0) : this.#tail.subarray(lineEnd + 1);
  }

  /** What the script says itself, in a line that begins with its mark. @returns whether there was one */
  #takeWord(): boolean {
    const at = this.#tail.indexOf(this.#mark);
    if (at === -1) {
      // All but what may be the beginning of a mark.
      this.#pass(Math.max(0, this.#tail.length - this.#mark.length + 1));
      return false;
    }
    this.#pass(at);
    const lineEnd = this.#tail.indexOf('\n');
    if (lineEnd === -1 && this.#tail.length <= this.#mark.length + mostWordBytes) return false;
    const word = this.#tail.toString('utf8', this.#mark.length, lineEnd);
    if (lineEnd === -1 || word.length > mostWordBytes) {
      this.#pass(this.#mark.length);
      return true;
    }
    this.#tail = this.#tail.subarray(lineEnd + 1);
    if (word === 'bye') this.#left();
    else if (word === 'unkept') this.#unkept();
    else this.#endReport({ exitCode: Number(word), stdout: this.#report.bytes.toString() });
    return true;
  }

  /** Takes so many bytes for the report's own. Whatever a host prints: no run is to run out of memory by it. */
  #pass(length: number): void {
    if (!this.#isReported) this.#report.append(this.#tail.subarray(0, length));
    this.#tail = this.#tail.subarray(length);
    if (this.#report.length > mostReportBytes) this.#endReport(undefined);
  }

  #endReport(report: LockReport | undefined): void {
    this.#reported(report);
    // What resolves a promise keeps what it was resolved with.
    this.#reported = () => undefined;
    this.#isReported = true;
    this.#report.clear();
  }
}
