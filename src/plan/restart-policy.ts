import type { Container } from '../docker/observed.ts';
import type { Service } from '../model/service.ts';

/** Docker's word for a service's restart policy; `no` where it has none. */
export function restartPolicyOf(service: Service): string {
  const { restart } = service.spec;
  return typeof restart === 'string' ? restart : 'no';
}

/** A container's restart policy, in the form of `docker update --restart`. */
export function policyOf(container: Container | undefined): string {
  if (container === undefined) return 'no';
  const { name, maximumRetryCount } = container.restartPolicy;
  return name === 'on-failure' && maximumRetryCount > 0 ? `${name}:${maximumRetryCount}` : name || 'no';
}

/** The reverse of {@link policyOf}. */
export function parsePolicy(policy: string): Container['restartPolicy'] {
  const [name = 'no', retries] = policy.split(':');
  return { name, maximumRetryCount: Number(retries ?? 0) };
}

/** Draining takes the gate's policy before it stops it: the run that did so was cut off, and the stop may be under way. */
export function isHalfDrained(service: Service, { state, restartPolicy }: Container): boolean {
  return state.running && restartPolicy.name === 'no' && restartPolicyOf(service) !== 'no';
}
