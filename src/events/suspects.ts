import type { Event, EventOf } from './event.ts';

/** Whether {@link suspectImages} goes by it; a run of a thousand hosts says far more. */
export function speaksOfImages({ type }: Event): boolean {
  return telling.has(type);
}

const telling: ReadonlySet<Event['type']> = new Set([
  'plan_ready',
  'node_started',
  'node_failed',
  'bake_finished',
  'fan_out_judged',
  'check_result',
  'gate_finished',
]);

/**
 * The images that no run should try again by itself (`name:tag@digest`): those of the services whose new container
 * failed; where a verdict, a check or a gate was against the new version, all that the run had brought by then.
 */
export function suspectImages(events: readonly Event[]): readonly string[] {
  const planned = events.findLast((event) => event.type === 'plan_ready');
  const brought = servicesBrought(planned, events);
  const blamed = events.flatMap((event) => servicesBlamed(event, brought));
  return [...new Set(blamed.flatMap((service) => planned?.components?.[service] ?? []))];
}

function servicesBlamed(event: Event, brought: readonly string[]): readonly string[] {
  switch (event.type) {
    case 'node_failed': {
      const { ofImage, op } = event.failure;
      if (ofImage !== true) return [];
      // What was waited for, and ran before, says nothing of what the run has brought.
      return brought.filter((service) => op.service === undefined || op.service === service);
    }
    case 'bake_finished':
    case 'fan_out_judged':
      return event.verdict === 'failed' ? brought : [];
    case 'check_result':
      return event.dryRun !== true && event.outcome === 'failed' && event.failures >= event.failureLimit ? brought : [];
    case 'gate_finished':
      // Without an exit code it could not be asked, or gave no answer in its time.
      return !event.ok && event.exitCode !== undefined ? brought : [];
    default:
      return [];
  }
}

/** Services that got another container, on the hosts that were begun with. */
function servicesBrought(planned: EventOf<'plan_ready'> | undefined, events: readonly Event[]): readonly string[] {
  const begun = new Set(events.flatMap((event) => (event.type === 'node_started' ? [event.host] : [])));
  const services = (planned?.plays ?? []).flatMap(({ hosts }) =>
    Object.entries(hosts).flatMap(([host, changes]) =>
      begun.has(host) ? changes.filter(({ kind }) => brings.has(kind)).map(({ service }) => service) : [],
    ),
  );
  return [...new Set(services)];
}

const brings: ReadonlySet<string> = new Set(['create', 'replace', 'adopt']);
