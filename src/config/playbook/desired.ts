import type { Facts } from '../../model/host.ts';
import type { Check } from '../../model/check.ts';
import type { ImageRef } from '../../model/image.ts';
import { ConfigError, type Problem } from '../../model/problem.ts';
import { Secret } from '../../model/secret.ts';
import {
  keyOf,
  type HostDesired,
  type NetworkSpec,
  type Service,
  type Task,
  type VolumeSpec,
} from '../../model/service.ts';
import type { ServiceContext, ValueProblem } from '../../service/context.ts';
import { parseService } from '../../service/parse.ts';
import { serviceKey } from '../../service/table.ts';
import { parseNetwork, parseVolume } from '../../service/resources.ts';
import { partAt, pathText, problemIn, type Part } from '../document.ts';
import { show } from '../explain.ts';
import type { Member } from '../inventory/graph.ts';
import type { Settings } from '../inventory/vars-files.ts';
import { sortProblems } from '../text/problems.ts';
import { TemplateFailure } from '../template/failure.ts';
import type { Scope } from '../template/scope.ts';
import { buildCheck, type CheckResult } from './checks.ts';
import { holds } from './conditions.ts';
import { RenderedPart } from './memo.ts';
import { relateServices } from './relations.ts';
import { serviceProblems, volumeProblems, type PlacedPolicy } from './policies.ts';
import type { Scopes } from './scopes.ts';
import { configSchema } from './schema.ts';
import { entriesOf, itemsOf, without } from './sections.ts';
import type { ServicePart } from './services.ts';
import { parsePart } from '../shape.ts';
import { isSelected } from './tags.ts';
import type { Placed, PlacedResource, PlacedService } from './unique.ts';
import { noSuchSecret } from './no-such-secret.ts';
import { buildTask, type TaskResult } from './tasks.ts';

/** What all hosts of a play share. */
export interface DesiredContext {
  readonly scopes: Scopes;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly tags: { readonly only: readonly string[]; readonly skip: readonly string[] };
  /** Those of the host's groups, and its own. */
  readonly inventoryPolicies: (member: Member) => readonly PlacedPolicy[];
  readonly component: (name: string) => ImageRef | undefined;
  readonly readFile: (folder: string, path: string) => string | undefined;
  readonly environmentVariable: (name: string) => string | undefined;
}

/** The parts of a play that are rendered anew for every host. */
export interface HostParts {
  readonly playName: string;
  readonly playVars: Settings;
  readonly services: ReadonlyMap<string, ServicePart>;
  /** Its container takes the node out and lets it in, whatever tags a run is about. */
  readonly healthContainer: string | undefined;
  readonly networks: Part;
  readonly volumes: Part;
  readonly configs: ReadonlyMap<string, ServicePart>;
  /** Profiles that are switched on. */
  readonly profiles: ReadonlySet<string>;
  /** Those of playbook and play. */
  readonly policies: readonly PlacedPolicy[];
  readonly server: Part;
  /** Undefined where the play has no zones. */
  readonly zone: Part | undefined;
  /** The list of its checks. */
  readonly checks: Part;
  /** The playbook's, where commands of checks run. */
  readonly folder: string;
  readonly preTasks: Part;
  readonly tasks: Part;
  readonly postTasks: Part;
}

interface Resources {
  readonly networks: readonly NetworkSpec[];
  readonly volumes: readonly VolumeSpec[];
  readonly networkSpecs: ReadonlyMap<string, NetworkSpec>;
  readonly networkNames: ReadonlyMap<string, string>;
  readonly volumeSpecs: ReadonlyMap<string, VolumeSpec>;
  readonly volumeNames: ReadonlyMap<string, string>;
  readonly configs: ReadonlyMap<string, string | Secret>;
  readonly problems: readonly Problem[];
  /** Services built with these, by the service's name. */
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

interface TaskTemplate extends Conditional {
  readonly rendered: RenderedPart<TaskResult>;
}

/** Answers what a play wants of each of its hosts. */
export class DesiredOfPlay {
  readonly #parts: HostParts;
  readonly #context: DesiredContext;
  readonly #resources: RenderedPart<Resources>;
  readonly #services: readonly ServiceTemplate[];
  readonly #checks: readonly RenderedPart<CheckResult>[];
  readonly #taskLists: Readonly<Record<'pre' | 'main' | 'post', readonly TaskTemplate[]>>;

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
    const templates = (list: Part): TaskTemplate[] =>
      itemsOf(list).map((part) => ({
        ...conditionOf(part),
        rendered: new RenderedPart(without(part, extraKeys), (own) => buildTask(own, context.secrets)),
      }));
    this.#taskLists = {
      pre: templates(parts.preTasks),
      main: templates(parts.tasks),
      post: templates(parts.postTasks),
    };
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
    this.#resources = new RenderedPart({ ...networks, path: networks.path.slice(0, -1), value: all }, (rendered) =>
      this.#buildResources(rendered),
    );
  }

  /** What it wants, and where that is written. @throws ConfigError with everything that is wrong for this host. */
  for(member: Member, facts: Facts | undefined): { readonly desired: HostDesired; readonly placed: Placed } {
    const { playVars, playName, server, zone: zonePart } = this.#parts;
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
    problems.push(...this.#forbiddenVolumes(resources, policies));
    const leftOut: string[] = [];
    const placed: PlacedService[] = [];
    const switchedOff = new Map<string, readonly string[]>();
    const services =
      resources === undefined
        ? []
        : this.#services.flatMap((template) => {
            const isSelected = template.name === this.#parts.healthContainer || this.#isSelected(template);
            if (!isSelected) leftOut.push(template.name);
            const result = isSelected ? attempt(() => this.#service(template, scope, resources)) : undefined;
            problems.push(...(result?.problems ?? []));
            if (result?.profiles !== undefined) switchedOff.set(template.name, result.profiles);
            if (result !== undefined) problems.push(...serviceProblems(policies, template.part, result.services));
            // One that is not part of this run is on the host all the same.
            const there = isSelected ? result?.services : this.#leftOutServices(template, scope, resources);
            placed.push(...(there ?? []).map((service) => ({ service, part: template.part })));
            return result?.services ?? [];
          });
    const collect = (list: readonly TaskTemplate[]): readonly Task[] =>
      list.flatMap((template) => {
        const result = this.#isSelected(template) ? attempt(() => this.#task(template, scope)) : undefined;
        problems.push(...(result?.problems ?? []));
        return result?.task ?? [];
      });
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
    const zone = zonePart === undefined ? undefined : attempt(() => this.#zone(zonePart, scope));
    const checks = this.#checks.flatMap((part) => {
      const result = attempt(() => part.for(scope));
      problems.push(...(result?.problems ?? []));
      return result?.check ?? [];
    });
    problems.push(...this.#sameNames(checks));
    const desired: HostDesired = {
      services: related.services,
      networks: resources?.networks ?? [],
      volumes: resources?.volumes ?? [],
      server: attempt(() => this.#server(server, scope)) ?? member.name,
      ...(zone === undefined ? {} : { zone }),
      ...(checks.length === 0 ? {} : { checks }),
      preTasks: collect(this.#taskLists.pre),
      tasks: collect(this.#taskLists.main),
      postTasks: collect(this.#taskLists.post),
      ...(leftOut.length > 0 ? { leftOut } : {}),
    };
    if (problems.length > 0) throw new ConfigError(sortProblems(problems));
    return { desired, placed: { services: placed, resources: this.#placedResources(resources) } };
  }

  #placedResources(resources: Resources | undefined): readonly PlacedResource[] {
    const { networks, volumes } = this.#parts;
    return [
      ...[...(resources?.networkSpecs ?? [])].map(([key, spec]): PlacedResource => ({
        kind: 'network',
        spec,
        part: partAt(networks, key),
      })),
      ...[...(resources?.volumeSpecs ?? [])].map(([key, spec]): PlacedResource => ({
        kind: 'volume',
        spec,
        part: partAt(volumes, key),
      })),
    ];
  }

  /** Whatever is wrong with them is for the runs that they are part of. */
  #leftOutServices(template: ServiceTemplate, scope: Scope, resources: Resources): readonly Service[] {
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
      return this.#server(server, this.#context.scopes.ofHost(member, playVars, undefined, playName));
    } catch (error) {
      if (!(error instanceof TemplateFailure)) throw error;
      return undefined;
    }
  }

  #forbiddenVolumes(resources: Resources | undefined, policies: readonly PlacedPolicy[]): readonly Problem[] {
    return [...(resources?.volumeSpecs ?? [])].flatMap(([key, spec]) =>
      volumeProblems(policies, partAt(this.#parts.volumes, key), spec),
    );
  }

  #service(template: ServiceTemplate, scope: Scope, resources: Resources): ServiceResult | undefined {
    if (!holds(template.when, scope)) return undefined;
    const { name, part } = template;
    let rendered = resources.services.get(name);
    if (rendered === undefined) {
      const context = this.#serviceContext(template, resources);
      rendered = new RenderedPart(part, (own) => {
        const { services, problems, profiles } = parseService(name, own.value, context);
        return { services, profiles, problems: problems.map((found) => serviceProblem(own, found)) };
      });
      resources.services.set(name, rendered);
    }
    return rendered.for(scope);
  }

  /** The container of a service that is not part of this run, and that others may share a network with all the same. */
  #leftOutContainer(service: string, scope: Scope, resources: Resources): string | undefined {
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

  #task(template: TaskTemplate, scope: Scope): TaskResult | undefined {
    return holds(template.when, scope) ? template.rendered.for(scope) : undefined;
  }

  #server(server: Part, scope: Scope): string {
    const value = scope.render(server.value, { place: server.place, path: pathText(server.path) });
    if (typeof value === 'string' && value !== '') return value;
    throw new TemplateFailure([problemIn(server, [], `must give the node's name in the backend; got ${show(value)}`)]);
  }

  #sameNames(checks: readonly Check[]): readonly Problem[] {
    const names = checks.map(({ name }) => name);
    const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
    return [...twice].map((name) =>
      problemIn(
        this.#parts.checks,
        [names.lastIndexOf(name), 'name'],
        `must differ from other checks' names; got ${name} again`,
      ),
    );
  }

  #zone(zone: Part, scope: Scope): string {
    const value = scope.render(zone.value, { place: zone.place, path: pathText(zone.path) });
    if ((typeof value === 'string' && value.trim() !== '') || typeof value === 'number') return String(value).trim();
    throw new TemplateFailure([problemIn(zone, [], `must give the name of the host's zone; got ${show(value)}`)]);
  }

  #isSelected({ tags }: Conditional): boolean {
    const { value } = tags;
    const list = [value].flat().filter((tag) => typeof tag === 'string');
    return isSelected(list, this.#context.tags);
  }

  #buildResources(rendered: Part): Resources {
    const problems: Problem[] = [];
    const networks = parseEach(partAt(rendered, 'networks'), this.#parts.networks, parseNetwork, problems);
    const volumes = parseEach(partAt(rendered, 'volumes'), this.#parts.volumes, parseVolume, problems);
    const configs = new Map<string, string | Secret>();
    for (const [name, written] of this.#parts.configs) {
      const { value } = partAt(rendered, 'configs', name);
      const content = this.#configContent({ ...written, part: { ...written.part, value } }, problems);
      if (content !== undefined) configs.set(name, content);
    }
    return {
      networks: [...networks.values()],
      volumes: [...volumes.values()],
      networkSpecs: networks,
      networkNames: new Map([...networks].map(([key, { name }]) => [key, name])),
      volumeSpecs: volumes,
      volumeNames: new Map([...volumes].map(([key, { name }]) => [key, name])),
      configs,
      problems,
      services: new Map(),
    };
  }

  #configContent({ part, folder, variable }: ServicePart, problems: Problem[]): string | Secret | undefined {
    const content = partAt(part, 'content').value;
    if (content instanceof Secret) return content;
    const settings = parsePart(configSchema, part, { add: (problem) => problems.push(problem) });
    if (settings === undefined) return undefined;
    const { readFile, secrets } = this.#context;
    if ('file' in settings) {
      const text = readFile(folder, settings.file);
      if (text === undefined) problems.push(problemIn(part, ['file'], `${settings.file} cannot be read`));
      return text;
    }
    if ('environment' in settings) {
      const text = variable(settings.environment);
      if (text === undefined)
        problems.push(problemIn(part, ['environment'], `the variable ${settings.environment} is not set`));
      return text;
    }
    if (typeof settings.content === 'string') return settings.content;
    const secret = secrets.get(settings.content.secret);
    if (secret === undefined)
      problems.push(problemIn(part, ['content'], noSuchSecret(settings.content.secret, secrets)));
    return secret;
  }
}

const extraKeys = ['when', 'tags'];

function conditionOf(part: Part): Conditional {
  return { when: partAt(part, 'when'), tags: partAt(part, 'tags') };
}

/** A problem of a service; where a key is not one, it is the key that is shown. */
function serviceProblem(own: Part, { path, message }: ValueProblem): Problem {
  const [key] = path;
  return problemIn(own, path, message, path.length === 1 && !serviceKey.has(String(key)));
}

type ParseResource = (
  key: string,
  value: unknown,
) => { spec?: NetworkSpec; problems: { path: readonly (string | number)[]; message: string }[] };

function parseEach(rendered: Part, written: Part, parse: ParseResource, problems: Problem[]): Map<string, NetworkSpec> {
  const specs = new Map<string, NetworkSpec>();
  for (const [key, { value }] of entriesOf(rendered)) {
    const result = parse(key, value);
    if (result.spec !== undefined) specs.set(key, result.spec);
    for (const { path, message } of result.problems) problems.push(problemIn(written, [key, ...path], message));
  }
  return specs;
}
