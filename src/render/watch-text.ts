import type { WatchEvent } from '../events/watch-event.ts';
import { assertNever } from '../model/assert-never.ts';
import { formatDuration } from '../model/duration.ts';

/** A watch's own lines, for pipes, CI logs and the journal of systemd: time in UTC, and what became so. */
export function formatWatchEvent(event: WatchEvent): string {
  const at = new Date(event.at).toISOString().slice(0, 19).replace('T', ' ');
  return `${at}  ${textOf(event).split('\n').join('\n  ')}\n`;
}

function textOf(event: WatchEvent): string {
  switch (event.type) {
    case 'watch_started': {
      const how = event.everyMs === undefined ? 'once' : `every ${formatDuration(event.everyMs)}`;
      const age = event.minAgeMs === 0 ? '' : `, images from ${formatDuration(event.minAgeMs)} of age`;
      const tags = event.tags.length === 0 ? 'the tags that the facts of the hosts will tell' : event.tags.join(', ');
      return `watching ${event.playbook} ${how}${age}: ${tags}`;
    }
    case 'watch_changed': {
      const changes = event.changes.map(({ tag, from, to }) => {
        const before = from.length === 0 ? 'new' : from.map(short).join(' and ');
        return `${tag} ${before} → ${short(to)}`;
      });
      return `rolling out ${changes.join(', ')}`;
    }
    case 'watch_held': {
      const { tag, digest, reason, untilMs = 0, run } = event.hold;
      if (reason === 'young')
        return `${tag} is ${short(digest)}, which is old enough in ${formatDuration(Math.max(0, untilMs - event.at))}`;
      const by = run === undefined ? 'was sent back before' : `was sent back by run ${run}`;
      return `${tag} is ${short(digest)}, which ${by}: it is not tried again`;
    }
    case 'watch_ran': {
      const { run, verdict, bad, message, nextMs, exitCode } = event;
      const again = nextMs === undefined ? '' : `; tried again in ${formatDuration(nextMs - event.at)}`;
      const why = message === undefined ? '' : `\n${message}`;
      const badText = bad.length === 0 ? '' : `; not tried again: ${bad.map(short).join(', ')}`;
      return `run ${run ?? '-'} ${verdictText[verdict]} (exit code ${exitCode})${badText}${again}${why}`;
    }
    case 'watch_resumed':
      return `run ${event.run} was cut off: it is gone on with`;
    case 'watch_trouble': {
      const next = event.nextMs === undefined ? '' : `; looked at again in ${formatDuration(event.nextMs - event.at)}`;
      return `${event.subject}: ${event.message}${next}`;
    }
    case 'watch_recovered':
      return `${event.subject}: well again`;
    case 'watch_heartbeat':
      return `watching: ${event.looks} looks at ${event.tags} ${event.tags === 1 ? 'tag' : 'tags'}, nothing new`;
    case 'watch_stopped':
      return `stopped by ${event.by}`;
    default:
      return assertNever(event);
  }
}

const verdictText = {
  done: 'is done',
  bad: 'failed',
  again: 'touched nothing',
  closed: 'is paused up to the next opening of its window',
  paused: 'is paused',
  interrupted: 'was interrupted',
} as const;

function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
