import type { Facts, Value } from '../../model/host.ts';
import { ConfigError, type Problem } from '../../model/problem.ts';
import { keyOf, type HostDesired, type Service } from '../../model/service.ts';
import type { Task } from '../../model/task.ts';
import type { ServiceContext } from '../../service/context.ts';
import type { ValueProblem } from '../../schema/explain.ts';
import { parseService } from '../../service/parse.ts';
import { partAt, problemIn, type Part } from '../document.ts';
import type { Member } from '../inventory/graph.ts';
import { sortProblems } from '../text/problems.ts';
import { TemplateFailure } from '../template/failure.ts';
import type { Scope } from '../template/scope.ts';
import { buildCheck, refuseSameNames, type CheckResult } from './checks.ts';
import { holds } from './conditions.ts';
import { RenderedPart } from './memo.ts';
import type { DesiredContext, HostParts } from './host-parts.ts';
import { serverName, zoneName } from './node-names.ts';
import { relateServices } from './relations.ts';
import { serviceProblems } from './policies.ts';
import { buildResources, forbiddenVolumes, placedResources, type Resources } from './resources.ts';
import { itemsOf, without } from './sections.ts';
import type { ServicePart } from './services.ts';
import { isSelected } from './tags.ts';
import type { Placed, PlacedService } from './unique.ts';
import type { TaskTemplate } from './task-of-host.ts';

interface ResourcesAndServices extends Resources {
  /** Services built with the resources, by the service's name. */
  readonly services: Map<string, RenderedPart<ServiceResult>>;
}

interface ServiceResult {
  readonly services: readonly Service[];
  readonly problems: readonly Problem[];
  /** The service is left out: none of these is switched on. */
  readonly profiles?: readonly string[] | undefined;
}

interface Conditional {
  readonly when: Part;
  readonly tags: Part;
}

interface ServiceTemplate extends Conditional, ServicePart {
  readonly name: string;
}

/** Answers what a play wants of each of its hosts. */
export class DesiredOfPlay {
  readonly #parts: HostParts;
  readonly #context: DesiredContext;
  readonly #resources: RenderedPart<ResourcesAndServices>;
  readonly #services: readonly ServiceTemplate[];
  readonly #checks: readonly RenderedPart<CheckResult>[];

  constructor(parts: HostParts, context: DesiredContext) {
    this.#parts = parts;
    this.#context = context;
    this.#services = [...parts.services].map(([name, { part, folder, variable }]) => ({
      name,
      folder,
      variable,
      ...conditionOf(part),
      part: without(part, extraKeys),
    }));
    this.#checks = itemsOf(parts.checks).map(
      (part) => new RenderedPart(part, (own) => buildCheck(own, context.secrets, parts.folder)),
    );
    // One part of all three, so that services are parsed anew only for hosts where one of these differs.
    const { networks, volumes, configs } = parts;
    const all = {
      networks: networks.value,
      volumes: volumes.value,
      configs: Object.fromEntries([...configs].map(([name, { part }]) => [name, part.value])),
    };
    this.#resources = new RenderedPart({ ...networks, path: networks.path.slice(0, -1), value: all }, (rendered) => ({
      ...buildResources(rendered, parts, context),
      services: new Map(),
    }));
  }

  /** The tags of its services and tasks, as written. */
  get tags(): readonly Value[] {
    const ofTasks = (templates: readonly TaskTemplate[]): readonly Part[] =>
      templates.flatMap(({ tags, children = [] }) => [...tags, ...ofTasks(children)]);
    const parts = [...this.#services.map(({ tags }) => tags), ...ofTasks(Object.values(this.#parts.tasks).flat())];
    return parts.flatMap(({ value }) => value);
  }

  /** What it wants, and where that is written. @throws ConfigError with everything that is wrong for this host. */
  for(member: Member, facts: Facts | undefined): { readonly desired: HostDesired; readonly placed: Placed } {
    const { playVars, playName, server, volumes, zone: zonePart } = this.#parts;
    const scope = this.#context.scopes.ofHost(member, playVars, facts, playName);
    const problems: Problem[] = [];
    const attempt = <Result>(what: () => Result): Result | undefined => {
      try {
        return what();
      } catch (error) {
        if (!(error instanceof TemplateFailure)) throw error;
        problems.push(...error.problems);
        return undefined;
      }
    };
    const resources = attempt(() => this.#resources.for(scope));
    problems.push(...(resources?.problems ?? []));
    const policies = [...this.#context.inventoryPolicies(member), ...this.#parts.policies];
    problems.push(...forbiddenVolumes(resources, volumes, policies));
    const leftOut: string[] = [];
    const placed: PlacedService[] = [];
    const atGate: Service[] = [];
    const switchedOff = new Map<string, readonly string[]>();
    const services =
      resources === undefined
        ? []
        : this.#services.flatMap((template) => {
            const { healthContainer, gateService } = this.#parts;
            const isAtGate = template.name === gateService;
            const isSelected = isAtGate || template.name === healthContainer || this.#isSelected(template);
            if (!isSelected) leftOut.push(template.name);
            const result = isSelected ? attempt(() => this.#service(template, scope, resources)) : undefined;
            problems.push(...(result?.problems ?? []));
            if (result?.profiles !== undefined) switchedOff.set(template.name, result.profiles);
            if (result !== undefined) problems.push(...serviceProblems(policies, template.part, result.services));
            if (isAtGate) {
              atGate.push(...(result?.services ?? []));
              problems.push(...restartProblems(template.part, atGate));
              return [];
            }
            // One that is not part of this run is on the host all the same.
            const there = isSelected ? result?.services : this.#leftOutServices(template, scope, resources);
            placed.push(...(there ?? []).map((service) => ({ service, part: template.part })));
            return result?.services ?? [];
          });
    const skipped = new Set<string>();
    const collect = (list: readonly TaskTemplate[]): readonly Task[] =>
      list.flatMap((template) => {
        const found = template.for({
          scopes: (layer) => this.#context.scopes.ofTask(member, playVars, facts, playName, layer),
          later: this.#parts.later,
          isSelected: (tags) => isSelected(textsIn(tags), this.#context.tags),
        });
        problems.push(...found.problems);
        for (const name of found.skipped) skipped.add(name);
        return found.task ?? [];
      });
    const { before, pre, main, post, after, handlers } = this.#parts.tasks;
    const tasks = {
      before: collect(before),
      preTasks: collect(pre),
      tasks: collect(main),
      postTasks: collect(post),
      after: collect(after),
      handlers: collect(handlers),
    };
    // Of services that could not be read there is nothing to say that they have not said themselves.
    const related =
      resources === undefined || problems.length > 0
        ? { services, problems: [] }
        : relateServices(services, {
            parts: this.#parts.services,
            switchedOff,
            gate: this.#parts.healthContainer,
            containerOf: (key) =>
              services.find((service) => keyOf(service) === key)?.containerName ??
              (leftOut.includes(key) ? this.#leftOutContainer(key, scope, resources) : undefined),
          });
    problems.push(...related.problems);
    const zone = zonePart === undefined ? undefined : attempt(() => zoneName(zonePart, scope));
    const checks = this.#checks.flatMap((part) => {
      const result = attempt(() => part.for(scope));
      problems.push(...(result?.problems ?? []));
      return result?.check ?? [];
    });
    problems.push(...refuseSameNames(this.#parts.checks, checks));
    const desired: HostDesired = {
      services: related.services,
      networks: resources?.networks ?? [],
      volumes: resources?.volumes ?? [],
      server: attempt(() => serverName(server, scope)) ?? member.name,
      ...(zone === undefined ? {} : { zone }),
      ...(checks.length === 0 ? {} : { checks }),
      ...(this.#parts.borrowedGate === undefined ? {} : { borrowedGate: this.#parts.borrowedGate }),
      ...(atGate[0] === undefined ? {} : { gate: atGate[0] }),
      ...tasks,
      skippedResults: [...skipped],
      ...(leftOut.length > 0 ? { leftOut } : {}),
    };
    if (problems.length > 0) throw new ConfigError(sortProblems(problems));
    return { desired, placed: { services: placed, resources: placedResources(resources, this.#parts) } };
  }

  /** Whatever is wrong with them is for the runs that they are part of. */
  #leftOutServices(template: ServiceTemplate, scope: Scope, resources: ResourcesAndServices): readonly Service[] {
    try {
      return this.#service(template, scope, resources)?.services ?? [];
    } catch (error) {
      if (!(error instanceof TemplateFailure)) throw error;
      return [];
    }
  }

  /** The host's name in the backend; undefined where it takes facts, or is wrong for this host. */
  serverName(member: Member): string | undefined {
    const { playVars, playName, server } = this.#parts;
    try {
      return serverName(server, this.#context.scopes.ofHost(member, playVars, undefined, playName));
    } catch (error) {
      if (!(error instanceof TemplateFailure)) throw error;
      return undefined;
    }
  }

  #service(template: ServiceTemplate, scope: Scope, resources: ResourcesAndServices): ServiceResult | undefined {
    if (!holds(template.when, scope)) return undefined;
    const { name, part } = template;
    let rendered = resources.services.get(name);
    if (rendered === undefined) {
      const context = this.#serviceContext(template, resources);
      rendered = new RenderedPart(part, (own) => {
        const { services, problems, profiles } = parseService(name, own.value, context);
        const unlocked = this.#context.requireLocked ? unlockedImages(own, services) : [];
        return { services, profiles, problems: [...problems.map((found) => serviceProblem(own, found)), ...unlocked] };
      });
      resources.services.set(name, rendered);
    }
    return rendered.for(scope);
  }

  /** The container of a service that is not part of this run, and that others may share a network with all the same. */
  #leftOutContainer(service: string, scope: Scope, resources: ResourcesAndServices): string | undefined {
    const template = this.#services.find(({ name }) => name === service);
    return template && this.#service(template, scope, resources)?.services[0]?.containerName;
  }

  /** What a service may refer to. */
  #serviceContext(
    { folder, variable }: ServicePart,
    resources: Pick<Resources, 'networkNames' | 'volumeNames' | 'configs'>,
  ): ServiceContext {
    const { secrets, component, readFile } = this.#context;
    return {
      secrets,
      component,
      environmentVariable: variable,
      profiles: this.#parts.profiles,
      readFile: (path) => readFile(folder, path),
      networkNames: resources.networkNames,
      volumeNames: resources.volumeNames,
      configs: resources.configs,
    };
  }

  #isSelected({ tags }: Conditional): boolean {
    return isSelected(textsIn([tags]), this.#context.tags);
  }
}

const extraKeys = ['when', 'tags'];

function textsIn(tags: readonly Part[]): readonly string[] {
  return tags.flatMap(({ value }) => [value].flat()).filter((tag) => typeof tag === 'string');
}

function conditionOf(part: Part): Conditional {
  return { when: partAt(part, 'when'), tags: partAt(part, 'tags') };
}

/** What runs at a gate is waited for, and ends by itself. */
function restartProblems(part: Part, services: readonly Service[]): readonly Problem[] {
  if (services.every(({ spec }) => (spec['restart'] ?? 'no') === 'no')) return [];
  return [problemIn(part, ['restart'], 'leave it out: a container at a gate runs once')];
}

/** An image that the service itself names; those of the composition are looked at in its file. */
function unlockedImages(own: Part, services: readonly Service[]): readonly Problem[] {
  const written = partAt(own, 'image').value;
  if (written === null || services.every(({ image }) => image.digest !== undefined)) return [];
  const message = `must have a digest (require_locked); got ${JSON.stringify(written)}. Write name@sha256:…, or leave it out and add the component to a locked composition`;
  return [problemIn(own, ['image'], message)];
}

/** A problem of a service; where a key is not one, it is the key that is shown. */
function serviceProblem(own: Part, { path, message, of }: ValueProblem): Problem {
  return problemIn(own, path, message, of === 'key');
}
