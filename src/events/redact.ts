import type { Redactor } from '../model/redactor.ts';
import type { Event } from './event.ts';

/**
 * The event without any secret's value, before any sink sees it. Names and closed words (hosts, plays, services,
 * types, results) stay as they are: they hold the run's story together, and come from files, not from output.
 */
export function redactEvent(event: Event, redactor: Redactor): Event {
  // Only the text within strings changes; every field stays and keeps its type.
  return redactFields(event, redactor) as unknown as Event;
}

const structural: ReadonlySet<string> = new Set([
  'type',
  'run',
  'host',
  'hosts',
  'server',
  'play',
  'canaries',
  'service',
  'kind',
  'command',
  'role',
  'verdict',
  'outcome',
  'result',
]);

function redactFields(value: object, redactor: Redactor): object {
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, redactField(key, field as unknown, redactor)]),
  );
}

function redactField(key: string, field: unknown, redactor: Redactor): unknown {
  const keeps = structural.has(key);
  if (typeof field === 'string') return keeps ? field : redactor.redact(field);
  if (Array.isArray(field)) {
    // Lists of names stay; lists of anything else are gone through.
    return field.map((item: unknown) => redactField(typeof item === 'string' ? key : '', item, redactor));
  }
  return typeof field === 'object' && field !== null ? redactRecord(key, field, redactor) : field;
}

/** Below `hosts` the keys are names, whatever they are; elsewhere a key may be an image's or a variable's text. */
function redactRecord(key: string, record: object, redactor: Redactor): object {
  if (key !== 'images') {
    return key === 'hosts'
      ? Object.fromEntries(
          Object.entries(record).map(([name, item]) => [name, redactField('', item as unknown, redactor)]),
        )
      : redactFields(record, redactor);
  }
  return Object.fromEntries(
    Object.entries(record).map(([name, item]) => [redactor.redact(name), redactField('', item as unknown, redactor)]),
  );
}
