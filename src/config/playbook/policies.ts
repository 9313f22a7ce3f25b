import type { Problem } from '../../model/problem.ts';
import type { Service, VolumeSpec } from '../../model/service.ts';
import { parseWith } from '../../schema/parse.ts';
import { policyViolations, volumeViolations, type Violation } from '../../service/policy.ts';
import { policySchema, type Policy } from '../../service/policy-schema.ts';
import { partAt, positionOf, problemIn, type Part } from '../document.ts';
import type { Member, Setting } from '../inventory/graph.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Settings } from '../inventory/vars-files.ts';
import { parsePart } from '../shape.ts';
import { hasTemplates } from '../template/scope.ts';
import type { Problems } from '../text/problems.ts';
import { Source } from '../text/source.ts';

/** A policy and where it is written. */
export interface PlacedPolicy {
  readonly policy: Policy;
  readonly part: Part;
}

/** The inventory's name for a policy. */
export const policyVariable = 'rollout_policy';

/** The policy of a playbook or a play; none where nothing is written or it is wrong, which its schema has reported. */
export function policyOf(part: Part): readonly PlacedPolicy[] {
  const result = part.value === null ? undefined : parseWith(policySchema, part.value);
  return result?.success === true ? [{ policy: result.data, part }] : [];
}

/** The inventory's policies, of every group of a host and of the host itself: none replaces another. */
export class InventoryPolicies {
  readonly #inventory: Inventory;
  readonly #problems: Problems;
  readonly #read = new Map<Setting, readonly PlacedPolicy[]>();

  constructor(inventory: Inventory, problems: Problems) {
    this.#inventory = inventory;
    this.#problems = problems;
  }

  of(member: Member): readonly PlacedPolicy[] {
    return this.#inventory.everySetting(member, policyVariable).flatMap((setting) => {
      let policies = this.#read.get(setting);
      if (policies === undefined) {
        policies = this.#parse(setting, member);
        this.#read.set(setting, policies);
      }
      return policies;
    });
  }

  #parse({ value, place }: Setting, member: Member): readonly PlacedPolicy[] {
    const source = new Source(member.file ?? '--inventory', '');
    const part: Part = { value, place: place ?? { source, start: 0, end: 0 }, path: [policyVariable] };
    if (typeof value === 'object' && value !== null && hasTemplates(value)) {
      this.#problems.add(
        problemIn(part, [], 'must be written out, without templates: a variable of a play could loosen it'),
      );
      return [];
    }
    const policy = parsePart(policySchema, part, this.#problems);
    return policy === undefined ? [] : [{ policy, part }];
  }
}

/** A policy that nobody would follow must not look like one. */
export function refuseMisplacedPolicies(layers: readonly Settings[], problems: Problems): void {
  for (const layer of layers) {
    const setting = layer.get(policyVariable);
    if (setting === undefined) continue;
    const { source, start } = setting.place ?? { source: new Source('--extra-vars', ''), start: 0 };
    problems.add(
      source.problem(
        start,
        policyVariable,
        'is for inventories, and does nothing here; write policy at the top of the playbook, or in a play',
      ),
    );
  }
}

/** What the policies do not allow in a service: a problem for each of its keys, with all there is to say about it. */
export function serviceProblems(
  policies: readonly PlacedPolicy[],
  part: Part,
  services: readonly Service[],
): readonly Problem[] {
  return problemsOf(policies, part, (policy) => services.flatMap((service) => policyViolations(policy, service)));
}

/** The same for a volume of a play. */
export function volumeProblems(policies: readonly PlacedPolicy[], part: Part, volume: VolumeSpec): readonly Problem[] {
  return problemsOf(policies, part, (policy) => volumeViolations(policy, volume));
}

function problemsOf(
  policies: readonly PlacedPolicy[],
  part: Part,
  check: (policy: Policy) => readonly Violation[],
): readonly Problem[] {
  const byKey = new Map<string, Set<string>>();
  const said = new Set<string>();
  for (const { policy, part: written } of policies) {
    for (const { rule, key, found, message } of check(policy)) {
      // Of replicas, and of several policies that forbid the same, the first one says it.
      if (said.size === said.add(`${key}\0${rule}\0${found}`).size) continue;
      const { file, line } = positionOf(partAt(written, rule));
      const messages = byKey.get(key) ?? new Set();
      byKey.set(key, messages.add(`${message} (policy at ${file}:${line}: ${rule})`));
    }
  }
  return [...byKey].map(([key, messages]) => problemIn(part, [key], [...messages].join('; ')));
}
