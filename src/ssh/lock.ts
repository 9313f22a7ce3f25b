import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '../model/clock.ts';
import { printable } from './printable.ts';
import { RemoteError, type Remote, type RemoteProcess } from './remote.ts';

/** Who holds a host: shown to whoever is turned away. */
export interface LockHolder {
  /** The run's id. */
  readonly run: string;
  readonly user: string;
  /** The machine that the run was started on. */
  readonly controller: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** A host's lock, held for as long as its channel is open. */
export interface HeldLock {
  /** Resolves when the lock is gone without having been released: the connection was lost, or the host let go. */
  readonly lost: Promise<RemoteError>;
  /** Of the command that was to run with it; undefined where there was none, and where the connection was lost before its end. */
  readonly report: Promise<LockReport | undefined>;
  /** Says to whoever is turned away that its run has all its hosts. */
  goOn(): void;
  release(): Promise<void>;
}

/** What a command printed that ran as soon as the lock was held. */
export interface LockReport {
  readonly exitCode: number;
  readonly stdout: string;
}

export interface LockOptions {
  /** Runs on the host once the lock is held, in the same round trip; its stderr is dropped. */
  readonly report?: readonly string[];
  /** Where the lock's file may be; the first that is writable for everyone. */
  readonly folders?: readonly string[];
}

/** Another run holds the host. */
export class LockedError extends Error {
  readonly host: string;
  /** `run 20261121-1504 of alice from laptop, since 2026-11-21T15:04:05Z`. */
  readonly holder: string;
  readonly run: string | undefined;
  /** Epoch milliseconds. */
  readonly since: number | undefined;
  /** It has all its hosts, and gives this one back only at its end. */
  readonly isGoingOn: boolean;

  constructor(host: string, holder: FoundHolder | undefined, text: string) {
    const description = holder === undefined ? text || 'another run, which has not said which yet' : describe(holder);
    super(`${host} is locked by ${description}.`);
    this.name = 'LockedError';
    this.host = host;
    this.holder = description;
    this.run = holder?.run;
    this.since = holder?.since;
    this.isGoingOn = holder?.isGoingOn === true;
  }
}

/** As read from a host's file. */
type FoundHolder = Partial<LockHolder> & { readonly isGoingOn?: boolean };

/** The host lets go of a lock that has not been heard of for so long: its controller lost power, or its network. */
const silenceSeconds = 30;
const heartbeatMs = 5000;
const lockFolders = ['/run/lock', '/var/lock', '/tmp'];
/** As long as any reading of a host may take. */
export const reportSeconds = 60;
const mostReportLength = 16 << 20;

/**
 * Takes the host's lock, waiting up to `waitMs` for another run to end. It needs no clearing, ever: the host frees it
 * when the channel closes, which the death of this process brings about, and after {@link silenceSeconds} without a
 * sign of life where the network hides that death. A lost connection is noticed here well before that.
 * @throws LockedError when another run holds it; RemoteError when the host cannot lock at all.
 */
export async function acquireLock(
  remote: Remote,
  holder: LockHolder,
  waitMs: number,
  clock: Clock,
  { folders = lockFolders, report = [] }: LockOptions = {},
): Promise<HeldLock> {
  const process = await remote.spawn(lockCommand(holder, Math.ceil(waitMs / 1000), folders, report));
  const output = new LockOutput(process);
  const answer = await output.answer;
  if (answer === 'held') return new ChannelLock(remote.host, process, output, clock);
  process.close();
  if (answer.startsWith('busy')) {
    const text = printable(answer.slice('busy'.length));
    throw new LockedError(remote.host, parseHolder(text), text);
  }
  throw new RemoteError(remote.host, 'channel_refused', `cannot be locked: ${printable(answer) || 'no answer'}.`, {
    hint: 'rollout needs flock (util-linux or busybox) and a world-writable /run/lock, /var/lock or /tmp on the host.',
  });
}

class ChannelLock implements HeldLock {
  readonly lost: Promise<RemoteError>;
  readonly report: Promise<LockReport | undefined>;
  readonly #process: RemoteProcess;
  readonly #output: LockOutput;
  readonly #released = new AbortController();

  constructor(host: string, process: RemoteProcess, output: LockOutput, clock: Clock) {
    this.#process = process;
    this.#output = output;
    this.report = output.report;
    this.lost = new Promise((resolve) => {
      const lose = (error: RemoteError): void => {
        if (this.#released.signal.aborted) return;
        this.#released.abort();
        resolve(error);
      };
      process.exited.then(
        (exitCode) => lose(new RemoteError(host, 'connection_lost', `the host let go of its lock (exit ${exitCode}).`)),
        (error: unknown) =>
          lose(error instanceof RemoteError ? error : new RemoteError(host, 'connection_lost', String(error))),
      );
    });
    void this.#beat(clock);
  }

  goOn(): void {
    if (!this.#released.signal.aborted) this.#process.stdin.write('!');
  }

  async release(): Promise<void> {
    this.#released.abort();
    // The end of its stdin ends the script, which empties the file, frees the lock and says so: the end of its channel
    // is told a round trip later.
    this.#process.stdin.end();
    await Promise.race([this.#output.farewell, this.#process.exited.catch(() => undefined)]);
  }

  async #beat(clock: Clock): Promise<void> {
    const { signal } = this.#released;
    while (!signal.aborted) {
      this.#process.stdin.write('.');
      await clock.sleep(heartbeatMs, signal).catch(() => undefined);
    }
  }
}

// A record separator, which no text and no JSON holds, is in front of what the script itself says after its first line.
const mark = '\x1e';
const endOfReport = new RegExp(`${mark}(\\d+)\n`);
const farewell = `${mark}bye\n`;

/**
 * Prints `held`, or `busy HOLDER`, or what is wrong; then holds the lock until its stdin ends or falls silent. A byte of
 * stdin is a sign of life; one that is no dot says that the run has all its hosts, and goes into the file. The words
 * behind `--` are a command to run meanwhile: without the lock's descriptor, and ended with the lock, so that nobody
 * waits for it.
 *
 * Every user must come to the same file: the first folder that is world-writable and sticky, whoever asks. The file is
 * opened without O_CREAT where it exists, as fs.protected_regular keeps even root from creating over another user's
 * file, and written through /proc/self/fd for the same reason. A link in its place is refused.
 * busybox's flock cannot wait, so the script does.
 */
const lockScript = `
command -v flock >/dev/null || { echo 'there is no flock command'; exit 69; }
left=$1 text=$2 going_on=$3
shift 3
dir= folders=
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
  [ -z "$dir" ] && [ -d "$1" ] && [ -k "$1" ] && [ -w "$1" ] && dir=$1
  folders="$folders $1"
  shift
done
[ -n "$dir" ] || { echo "none of these folders is there and writable for everyone:$folders"; exit 69; }
file=$(cd -P "$dir" && pwd)/rollout.lock
(umask 0; set -C; : >"$file") 2>/dev/null
[ -r "$file" ] || { echo "$file cannot be opened"; exit 69; }
exec 9<"$file"
[ "$(readlink /proc/self/fd/9)" = "$file" ] && [ -f "$file" ] || { echo "$file is not a plain file"; exit 69; }
moments=10
until flock -n 9; do
  if [ "$left" -gt 0 ]; then
    left=$((left - 1))
    sleep 1
  else
    read -r holder </proc/self/fd/9
    # Without a text its holder has only just come, or is just going.
    if [ -n "$holder" ] || [ "$moments" -eq 0 ]; then echo "busy $holder"; exit 75; fi
    moments=$((moments - 1))
    sleep 0.1 2>/dev/null || sleep 1
  fi
done
printf '%s\\n' "$text" >/proc/self/fd/9
echo held
report=
if [ "$#" -gt 1 ]; then
  shift
  {
    timeout -k 5 ${reportSeconds} "$@" </dev/null 2>/dev/null &
    trap "kill $!" TERM
    wait "$!"
    printf '\\036%s\\n' "$?"
  } 9<&- &
  report=$!
fi
while beat=$(timeout ${silenceSeconds} head -c 1) && [ -n "$beat" ]; do
  [ "$beat" = . ] || printf '%s\\n' "$going_on" >/proc/self/fd/9
done
: >/proc/self/fd/9
exec 9<&-
[ -z "$report" ] || kill "$report" 2>/dev/null
printf '\\036bye\\n'
`;

const goingOn = 'going on';

function lockCommand(
  holder: LockHolder,
  waitSeconds: number,
  folders: readonly string[],
  report: readonly string[],
): readonly string[] {
  const { run, user, controller, since } = holder;
  const text = { run, user, controller, since: new Date(since).toISOString() };
  const texts = [text, { ...text, state: goingOn }].map((each) => JSON.stringify(each));
  const words = [String(waitSeconds), ...texts, ...folders, '--', ...report];
  return ['sh', '-c', lockScript.trim(), 'rollout-lock', ...words];
}

/** What the script prints: its answer in the first line, then what the report printed, then that it has let go. */
class LockOutput {
  /** Where nothing came on stdout, what stands on stderr. @throws RemoteError when the connection is lost before it */
  readonly answer: Promise<string>;
  readonly report: Promise<LockReport | undefined>;
  readonly farewell: Promise<void>;
  readonly #decoder = new StringDecoder('utf8');
  /** What is not understood yet. */
  #text = '';
  #answered: (line: string) => void = () => undefined;
  #reported: (report: LockReport | undefined) => void = () => undefined;
  #left: () => void = () => undefined;
  #hasAnswered = false;

  constructor(process: RemoteProcess) {
    let stderr = '';
    process.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
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
    // Whatever a host prints: no run is to run out of memory by it.
    if (this.#text.length > mostReportLength) return;
    this.#text += this.#decoder.write(chunk);
    if (!chunk.includes('\n')) return;
    const lineEnd = this.#text.indexOf('\n');
    if (!this.#hasAnswered) {
      this.#hasAnswered = true;
      this.#answered(this.#text.slice(0, lineEnd));
      this.#text = this.#text.slice(lineEnd + 1);
    }
    const reportEnd = endOfReport.exec(this.#text);
    if (reportEnd !== null) {
      this.#reported({ exitCode: Number(reportEnd[1]), stdout: this.#text.slice(0, reportEnd.index) });
      this.#text = this.#text.slice(reportEnd.index + reportEnd[0].length);
    }
    if (!this.#text.includes(farewell)) return;
    this.#text = this.#text.replace(farewell, '');
    this.#left();
  }
}

function parseHolder(text: string): FoundHolder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const fields = new Map(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
    const since = Date.parse(fields.get('since') ?? '');
    return {
      run: fields.get('run') ?? '?',
      user: fields.get('user') ?? '?',
      controller: fields.get('controller') ?? '?',
      isGoingOn: fields.get('state') === goingOn,
      ...(Number.isNaN(since) ? {} : { since }),
    };
  } catch {
    return undefined;
  }
}

function describe({ run, user, controller, since }: Partial<LockHolder>): string {
  const time = since === undefined ? '' : `, since ${new Date(since).toISOString()}`;
  return `run ${run ?? '?'} of ${user ?? '?'} from ${controller ?? '?'}${time}`;
}
