import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { formatLine, mostLineBytes, parseReply, type SteerReply, type SteerRequest } from './protocol.ts';
import { isOwn } from '../own-file.ts';
import { socketName, socketPath } from './place.ts';

/** Why a run cannot be asked: `absent`, no process listens; `foreign`, it is another user's; `silent`, it does not answer. */
export type Unanswered =
  | { readonly why: 'absent' }
  | { readonly why: 'foreign'; readonly uid: number }
  | { readonly why: 'silent'; readonly detail: string };

/** Long enough for a controller that is busy with thousands of hosts. */
const patienceMs = 10_000;

/** Asks a run that is under way in another process of this machine. */
export async function askRun(dir: string, run: string, request: SteerRequest): Promise<SteerReply | Unanswered> {
  const name = socketName(run);
  const found = lstatSync(join(dir, name), { throwIfNoEntry: false });
  if (found === undefined || !found.isSocket()) return { why: 'absent' };
  // What somebody else has put there might be anything.
  if (!isOwn(found)) return { why: 'foreign', uid: found.uid };
  const { path, close } = socketPath(dir, name);
  try {
    return await exchange(path, formatLine(request));
  } finally {
    close();
  }
}

function exchange(path: string, line: string): Promise<SteerReply | Unanswered> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let received = Buffer.alloc(0);
    const end = (result: SteerReply | Unanswered): void => {
      clearTimeout(tooLate);
      socket.destroy();
      resolve(result);
    };
    const tooLate = setTimeout(
      () => end({ why: 'silent', detail: `no answer for ${patienceMs / 1000} s` }),
      patienceMs,
    );
    socket.once('connect', () => socket.write(line));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const last = received.indexOf('\n');
      if (last < 0 && received.length <= mostLineBytes) return;
      const reply = last < 0 ? undefined : parseReply(received.toString('utf8', 0, last));
      end(reply ?? { why: 'silent', detail: 'what it answers is no answer of a run' });
    });
    socket.once('end', () => end({ why: 'silent', detail: 'it hung up' }));
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) =>
      end(code === 'ECONNREFUSED' || code === 'ENOENT' ? { why: 'absent' } : { why: 'silent', detail: message }),
    );
  });
}
