import type { Observed } from '../docker/observed.ts';
import { groupAlike } from '../model/alike.ts';
import { formatImageRef, pinnedImage } from '../model/image.ts';
import type { HostDesired } from '../model/service.ts';
import { networkDifferences, saysAnything, volumeDifferences } from '../service/resource-diff.ts';
import { describeDifference } from './cause.ts';
import type { Difference, NodePlan, Op } from './plan.ts';

/** Networks and volumes that are to be made, before anything needs them. */
export function missingResources(desired: HostDesired, observed: Observed): readonly Op[] {
  return [
    ...desired.networks
      .filter(({ name, external }) => !external && !observed.networks.has(name))
      .map((network): Op => ({ kind: 'create_network', network, cause: 'not there' })),
    ...desired.volumes
      .filter(({ name, external }) => !external && !observed.volumes.has(name))
      .map((volume): Op => ({ kind: 'create_volume', volume, cause: 'not there' })),
  ];
}

/** What only the operator can make; in words that say how. */
export function missingExternals(desired: HostDesired, observed: Observed): readonly string[] {
  return [
    ...desired.networks
      .filter(({ name, external }) => external && !observed.networks.has(name))
      .map(({ name }) => `network ${name} is external and not there; create it: docker network create ${name}`),
    ...desired.volumes
      .filter(({ name, external }) => external && !observed.volumes.has(name))
      .map(({ name }) => `volume ${name} is external and not there; create it: docker volume create ${name}`),
  ];
}

/**
 * Networks and volumes that are there with other settings than the play's. Docker changes none of them, and rollout
 * removes nothing that may hold data, so that only the operator can end it: an error, as in Compose, and for labels,
 * which change nothing that a container sees, a warning.
 */
export function differingResources(
  desired: HostDesired,
  { networkDocuments, volumeDocuments }: Observed,
): { readonly errors: readonly string[]; readonly warnings: readonly string[] } {
  const networks = desired.networks.filter(saysAnything).map((spec) => {
    const document = networkDocuments?.get(spec.name);
    const differences = document === undefined ? [] : networkDifferences(spec, document);
    const advice = `docker cannot change a network: stop what is in it, and let the next run create it again: docker network rm ${spec.name}`;
    return { what: `network ${spec.name}`, differences, advice };
  });
  const volumes = desired.volumes.filter(saysAnything).map((spec) => {
    const document = volumeDocuments?.get(spec.name);
    const differences = document === undefined ? [] : volumeDifferences(spec, document);
    const advice = `docker cannot change a volume, and rollout removes none: save what is in it, and let the next run create it again: docker volume rm ${spec.name}`;
    return { what: `volume ${spec.name}`, differences, advice };
  });
  const found = [...networks, ...volumes].map(({ what, differences, advice }) => {
    const isLabel = ({ path }: Difference): boolean => path.startsWith('labels.');
    const described = (list: readonly Difference[]): string => list.map(describeDifference).join(', ');
    const hard = differences.filter((each) => !isLabel(each));
    const soft = differences.filter(isLabel);
    return {
      errors:
        hard.length === 0
          ? []
          : [
              `${what} is there with other settings (${described(hard)}); ${advice}. Or write it as it is, or as external`,
            ],
      warnings: soft.length === 0 ? [] : [`${what} keeps its labels (${described(soft)}): ${advice}`],
    };
  });
  return { errors: found.flatMap(({ errors }) => errors), warnings: found.flatMap(({ warnings }) => warnings) };
}

/** Images that `pull_policy: never` wants to be on the host already. */
export function missingForNever({ services }: HostDesired, { images }: Observed): readonly string[] {
  return services
    .filter(
      ({ pullPolicy, image }) =>
        pullPolicy === 'never' && image.imageId === undefined && !images.has(pinnedImage(image)),
    )
    .map(({ name, image }) => {
      const written = formatImageRef(image);
      return `image ${written} of ${name} is not there, and its pull_policy is never; load it first: docker load`;
    });
}

/** The warnings of many hosts, each said once, with those that it is about. */
export function warningsOfNodes(nodes: readonly Pick<NodePlan, 'host' | 'warnings'>[]): readonly string[] {
  return groupAlike(nodes.flatMap(({ host, warnings }) => warnings.map((text) => ({ host, text }))));
}
