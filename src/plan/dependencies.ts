import { keyOf, type Service } from '../model/service.ts';

/**
 * Services in dependency order, the file's order where dependencies leave a choice. The gate (the health container)
 * comes last whatever depends on it: nothing may let traffic in before everything else is right.
 * Cycles are a configuration error that is found earlier; here they end where they are met.
 */
export function dependencyOrder(services: readonly Service[], gate: string | undefined): readonly Service[] {
  const ordered = new Set<Service>();
  const visiting = new Set<string>();
  const visit = (service: Service): void => {
    if (ordered.has(service) || visiting.has(service.name)) return;
    visiting.add(service.name);
    for (const { service: key } of service.dependsOn) {
      if (key !== gate) for (const dependency of services) if (keyOf(dependency) === key) visit(dependency);
    }
    ordered.add(service);
  };
  for (const service of services) if (service.name !== gate) visit(service);
  for (const service of services) if (service.name === gate) ordered.add(service);
  return [...ordered];
}

/** Names of services that another one waits for to complete: they are right when they have ended well. */
export function jobsOf(services: readonly Service[]): ReadonlySet<string> {
  const keys = new Set(
    services.flatMap(({ dependsOn }) =>
      dependsOn.flatMap(({ service, condition }) => (condition === 'service_completed_successfully' ? [service] : [])),
    ),
  );
  return new Set(services.filter((service) => keys.has(keyOf(service))).map(({ name }) => name));
}
