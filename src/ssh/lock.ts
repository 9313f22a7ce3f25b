import type { Clock } from '../model/clock.ts';
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
  /** Says to whoever is turned away that its run has all its hosts. */
  goOn(): void;
  release(): Promise<void>;
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
  folders: readonly string[] = lockFolders,
): Promise<HeldLock> {
  const process = await remote.spawn(lockCommand(holder, Math.ceil(waitMs / 1000), folders));
  const answer = await firstLine(process);
  if (answer === 'held') return new ChannelLock(remote.host, process, clock);
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
  readonly #process: RemoteProcess;
  readonly #released = new AbortController();

  constructor(host: string, process: RemoteProcess, clock: Clock) {
    this.#process = process;
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
    // The end of its stdin ends the script, which empties the file and frees the lock before it exits.
    this.#process.stdin.end();
    await this.#process.exited.catch(() => undefined);
  }

  async #beat(clock: Clock): Promise<void> {
    const { signal } = this.#released;
    while (!signal.aborted) {
      this.#process.stdin.write('.');
      await clock.sleep(heartbeatMs, signal).catch(() => undefined);
    }
  }
}

/**
 * Prints `held`, or `busy HOLDER`, or what is wrong; then holds the lock until its stdin ends or falls silent. A byte of
 * stdin is a sign of life; one that is no dot says that the run has all its hosts, and goes into the file.
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
for dir; do
  [ -d "$dir" ] && [ -k "$dir" ] && [ -w "$dir" ] && break
  dir=
done
[ -n "$dir" ] || { echo "none of these folders is there and writable for everyone: $*"; exit 69; }
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
while beat=$(timeout ${silenceSeconds} head -c 1) && [ -n "$beat" ]; do
  [ "$beat" = . ] || printf '%s\\n' "$going_on" >/proc/self/fd/9
done
: >/proc/self/fd/9
`;

const goingOn = 'going on';

function lockCommand(holder: LockHolder, waitSeconds: number, folders: readonly string[]): readonly string[] {
  const { run, user, controller, since } = holder;
  const text = { run, user, controller, since: new Date(since).toISOString() };
  const texts = [text, { ...text, state: goingOn }].map((each) => JSON.stringify(each));
  return ['sh', '-c', lockScript.trim(), 'rollout-lock', String(waitSeconds), ...texts, ...folders];
}

/** The first line on stdout; where there is none, what stands on stderr. */
async function firstLine(process: RemoteProcess): Promise<string> {
  let stdout = '';
  let stderr = '';
  process.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const line = new Promise<string>((resolve) => {
    process.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      const end = stdout.indexOf('\n');
      if (end !== -1) resolve(stdout.slice(0, end));
    });
  });
  const ended = process.exited.then(
    (exitCode) => stdout.trim() || stderr.trim() || `the lock script ended with ${exitCode}`,
  );
  return Promise.race([line, ended]);
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

/** The file is the host's: its text must not reach the terminal as anything but text. */
function printable(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
    .slice(0, 300);
}
