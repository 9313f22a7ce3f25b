import type { Observed } from '../docker/observed.ts';
import { pinnedImage } from '../model/image.ts';
import type { Service } from '../model/service.ts';

/**
 * Services that take traffic, are about to be started anew, and have nothing by which it could be told that they work:
 * such a service counts as well as soon as its process has run for a while. Once a service: its image may bring a
 * healthcheck, which is known only where the image is.
 */
export function unprobedServices(
  services: readonly Service[],
  { images }: Observed,
  { gate, jobs, starting }: { gate: string | undefined; jobs: ReadonlySet<string>; starting: ReadonlySet<string> },
): readonly string[] {
  // Without a health container no balancer is waited for, and nothing is promised about traffic.
  if (gate === undefined) return [];
  return services.flatMap(({ name, image, probe, spec }) => {
    if (name === gate || jobs.has(name) || !starting.has(name)) return [];
    const own = spec['healthcheck'];
    const isOff = isDocument(own) && own['disable'] === true;
    if (probe !== undefined || (own !== undefined && !isOff)) return [];
    const found = images.get(pinnedImage(image));
    const config = found?.inspect['Config'];
    if (!isOff && isDocument(config) && isDocument(config['Healthcheck'])) return [];
    const unless = found === undefined && !isOff ? ', unless its image brings a healthcheck' : '';
    return [
      `${name} has neither a probe nor a healthcheck: it counts as healthy once it has run for min_healthy_time${unless}`,
    ];
  });
}

function isDocument(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The playbook's probe is for the container that is to come, not for the one that was there. */
export function withoutProbe(service: Service): Service {
  const { probe: _, ...rest } = service;
  return rest;
}
