import { hasGate, type Play } from '../../model/play.ts';
import { amountOf } from '../../model/strategy.ts';
import type { Lookup } from '../../shell/variables.ts';
import { parseService } from '../../service/parse.ts';
import { isMapping, partAt, pathText, positionOf, problemIn, type Part } from '../document.ts';
import type { Member } from '../inventory/graph.ts';
import { PatternError, selectHosts } from '../inventory/patterns.ts';
import type { Settings } from '../inventory/vars-files.ts';
import { parsePart, salvage, lastingProblems } from '../shape.ts';
import { TemplateFailure } from '../template/failure.ts';
import type { Scope } from '../template/scope.ts';
import { placeOf } from '../text/origins.ts';
import type { Problems } from '../text/problems.ts';
import { didYouMean } from '../../model/closest.ts';
import { borrowedGateOf } from './borrowed-gate.ts';
import { DesiredOfPlay } from './desired.ts';
import { gateOf } from './gate.ts';
import type { HostParts } from './host-parts.ts';
import { policyOf, refuseMisplacedPolicies } from './policies.ts';
import { playSchema, type PlaySettings } from './schema.ts';
import { refuseMisplacedFreezes } from './timetable.ts';
import { strategyOf, strategyPart, strategySchema, withoutHostStrategy, zoneOf } from './strategy.ts';
import { warnOfDollars } from './dollars.ts';
import { without } from './sections.ts';
import { refuseServingReboots } from './serving-reboots.ts';
import { laterNames, readTasks, type TaskReading } from './tasks.ts';
import type { TaskTemplate } from './task-of-host.ts';
import { configsOf, lowered, servicesOf, withDefaultNetwork, type ServicePart } from './services.ts';
import type { PlayContext } from './play-context.ts';
import { refuseSharedServers, refuseSharedAnswers, withoutServer, serverOf, loadBalancerOf } from './play-balancer.ts';

export interface BuiltPlay {
  readonly play: Play;
  readonly members: ReadonlyMap<string, Member>;
  /** With those that `--limit` leaves out. */
  readonly everyone: readonly Member[];
  readonly desired: DesiredOfPlay;
  readonly vars: Settings;
}

/** Keys that are rendered host by host; all others are settled once for the play. */
const taskLists = {
  before: 'before',
  pre: 'pre_tasks',
  main: 'tasks',
  post: 'post_tasks',
  after: 'after',
  handlers: 'handlers',
};
const hostKeys = ['services', 'networks', 'volumes', 'configs', 'vars', ...Object.values(taskLists)];

/** A play from its part of the playbook. Where something is wrong it is noted, and the rest is built all the same. */
export function buildPlay(part: Part, context: PlayContext): BuiltPlay {
  const { problems, scopes } = context;
  const playVars = settingsOf(partAt(part, 'vars'));
  refuseMisplacedPolicies([playVars], problems);
  refuseMisplacedFreezes([playVars], problems);
  const scope = scopes.ofPlay(playVars);
  const own = withoutServer(withoutHostStrategy(without(part, hostKeys)));
  const rendered = renderPart(own, scope, problems);
  const settled = rendered ?? own;
  const settings = settle(settled, rendered === undefined, problems);
  const compose = settings.compose === undefined ? undefined : context.readCompose(settings.compose);
  const configs = configsOf(part, compose, context);
  const { services, networks } = withDefaultNetwork(
    { services: servicesOf(part, compose, context), networks: lowered(compose, 'networks', partAt(part, 'networks')) },
    { playName: settings.name, health: settings.health_container, compose },
  );
  warnOfDollars(partAt(part, 'services'), problems);
  checkServices(services, configs, context);
  const everyone = selectMembers(partAt(settled, 'hosts'), settings.hosts, context);
  const members = context.limit === undefined ? everyone : everyone.filter((member) => context.limit?.has(member));
  // Read once here, so that what is wrong with them is known before anything is connected.
  for (const member of members) context.inventoryPolicies(member);
  const written = settings.health_container;
  const health = written !== undefined && services.has(written) ? written : undefined;
  const borrowedGate =
    health === undefined && written !== undefined
      ? borrowedGateOf(partAt(settled, 'health_container'), written, services.keys(), problems)
      : undefined;
  const strategy = strategyOf(settings.strategy);
  const gate = gateOf(partAt(settled, 'gate'), settings.gate, {
    ...context,
    services,
    hosts: everyone.map(({ name }) => name),
    healthContainer: health,
    hasCanary: amountOf(strategy.canary.hosts, 100) > 0,
  });
  const play: Play = {
    name: settings.name,
    hosts: members.map((member) => context.hostOf(member, playVars)),
    hostCount: everyone.length,
    loadBalancer: loadBalancerOf(partAt(settled, 'load_balancer'), settings.load_balancer, playVars, context),
    healthContainer: health,
    ...(borrowedGate === undefined ? {} : { borrowedGate }),
    strategy,
    ...(gate === undefined ? {} : { gate }),
    removeOrphans: settings.remove_orphans,
    tasksOnChange: settings.run_tasks === 'on_change',
    position: positionOf(part),
  };
  const lists = tasksOf(part, context);
  if (play.loadBalancer !== undefined || hasGate(play)) refuseServingReboots(lists.tasks, problems);
  const desired = new DesiredOfPlay(
    {
      playName: settings.name,
      playVars,
      services,
      healthContainer: health,
      borrowedGate,
      gateService: settings.gate?.service,
      networks,
      volumes: lowered(compose, 'volumes', partAt(part, 'volumes')),
      configs,
      profiles: profilesOf(settings.profiles, compose?.variable ?? context.environmentVariable),
      policies: [...context.policies, ...policyOf(partAt(settled, 'policy'))],
      server: serverOf(part),
      checks: partAt(strategyPart(part, settled), 'checks'),
      folder: context.folder,
      zone: zoneOf(part, settled, settings.strategy),
      ...lists,
    },
    context,
  );
  if (play.loadBalancer !== undefined) {
    refuseSharedServers(serverOf(part), members, desired, problems);
    if (everyone.length > 1) refuseSharedAnswers(partAt(settled, 'load_balancer'), play.loadBalancer, problems);
  }
  return { play, members: new Map(members.map((member) => [member.name, member])), everyone, desired, vars: playVars };
}

/** Its lists of tasks, with the files that they include. */
function tasksOf(part: Part, context: PlayContext): Pick<HostParts, 'tasks' | 'later'> {
  const lists = Object.values(taskLists).map((key) => partAt(part, key));
  const included: Part[] = [];
  const reading: TaskReading = {
    secrets: context.secrets,
    problems: context.problems,
    folder: context.folder,
    settingsOf,
    controller: context.controllerOf(context.folder),
    readFile: (path) => {
      const list = context.readTasks(path);
      if (list !== undefined) included.push(list);
      return list;
    },
  };
  const read = (key: string): readonly TaskTemplate[] => readTasks(partAt(part, key), reading);
  const tasks = {
    before: read(taskLists.before),
    pre: read(taskLists.pre),
    main: read(taskLists.main),
    post: read(taskLists.post),
    after: read(taskLists.after),
    handlers: read(taskLists.handlers),
  };
  return { tasks, later: laterNames([...lists, ...included]) };
}

/** The play's own settings; where some are wrong the others, so that what hangs on these is checked too. */
function settle(part: Part, isUnrendered: boolean, problems: Problems): PlaySettings {
  const settings = isUnrendered ? undefined : parsePart(playSchema, part, problems);
  if (settings !== undefined) return settings;
  const { name = '', hosts = [], strategy = strategySchema.parse({}), ...others } = salvage(playSchema, part);
  return { remove_orphans: false, run_tasks: 'always', ...others, name, hosts, strategy };
}

/** The entries of a `vars` mapping as settings that know their place. */
export function settingsOf(part: Part): Settings {
  const { value } = part;
  if (!isMapping(value)) return new Map();
  return new Map(Object.entries(value).map(([key, item]) => [key, { value: item, place: placeOf(value, key) }]));
}

/** A part with its templates rendered; undefined, with the problems noted, where one fails. */
export function renderPart(part: Part, scope: Scope, problems: Problems): Part | undefined {
  if (!isMapping(part.value)) return renderValue(part, scope, problems);
  // Key by key, so that each failing template is reported.
  let failed = false;
  for (const key of Object.keys(part.value))
    if (renderValue(partAt(part, key), scope, problems) === undefined) failed = true;
  return failed ? undefined : renderValue(part, scope, problems);
}

function renderValue(part: Part, scope: Scope, problems: Problems): Part | undefined {
  try {
    return { ...part, value: scope.render(part.value, { place: part.place, path: pathText(part.path) }) };
  } catch (error) {
    if (!(error instanceof TemplateFailure)) throw error;
    problems.addAll(error.problems);
    return undefined;
  }
}

/** Those of the play, and those of COMPOSE_PROFILES, which the environment or `.env` may have. */
function profilesOf(written: readonly string[] = [], variable: Lookup): ReadonlySet<string> {
  const around = (variable('COMPOSE_PROFILES') ?? '').split(',').map((profile) => profile.trim());
  return new Set([...written, ...around.filter((profile) => profile !== '')]);
}

/** What is wrong with services before any variable is known; the rest shows when they are rendered for a host. */
function checkServices(
  services: ReadonlyMap<string, ServicePart>,
  configs: ReadonlyMap<string, ServicePart>,
  context: PlayContext,
): void {
  const anyName: ReadonlyMap<string, string> = new Map();
  for (const [name, { part, folder, variable }] of services) {
    const own = without(part, ['when', 'tags']);
    const { problems } = parseService(name, own.value, {
      secrets: context.secrets,
      component: context.component,
      environmentVariable: variable,
      readFile: (path) => context.readFile(folder, path),
      networkNames: anyName,
      volumeNames: anyName,
      // What is in them is rendered later.
      configs: new Map([...configs.keys()].map((key) => [key, ''])),
    });
    context.problems.addAll(lastingProblems(own, problems));
  }
}

function selectMembers(hosts: Part, patterns: readonly string[], context: PlayContext): readonly Member[] {
  try {
    const { members, unmatched } = selectHosts(context.inventory, patterns, (file) => context.readLines(file));
    const known = [...context.inventory.graph.groups.keys(), ...context.inventory.graph.hosts.keys()];
    for (const pattern of unmatched) {
      const problem = problemIn(hosts, [], `${pattern} matches no host and no group${didYouMean(pattern, known)}`);
      // A play that would do nothing for a name that nobody knows is a mistake; an empty group is not.
      const isBroken = context.problems.count > 0 && context.inventory.graph.hosts.size === 0;
      if (members.length > 0 || isBroken) context.problems.warn(problem);
      else context.problems.add(problem);
    }
    return members;
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    context.problems.add(problemIn(hosts, [], error.message));
    return [];
  }
}
