import { createLoadBalancer } from '../../src/balancer/create.ts';
import { balancerKinds, loadBalancerSchema } from '../../src/balancer/table.ts';
import type { LoadBalancer } from '../../src/balancer/view.ts';
import { Secret } from '../../src/model/secret.ts';

/** A balancer as a playbook in `folder` has written it under load_balancer. */
export function openBalancer(written: object, servers: readonly string[], folder = '/'): LoadBalancer {
  const checked = loadBalancerSchema.parse(written);
  const kind = balancerKinds.get(String(checked.type));
  if (kind === undefined) throw new Error(`no kind ${String(checked.type)}`);
  const settings = kind.settle(checked, {
    folder,
    credential: (key, value) => (typeof value === 'string' ? new Secret(key, value) : undefined),
  });
  const position = { file: 'playbook.yaml', line: 1, column: 1 };
  return createLoadBalancer({ type: kind.type, settings, position }, servers, { now: () => 0 });
}
