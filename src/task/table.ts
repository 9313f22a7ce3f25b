import type { TaskModule } from './module.ts';
import { cronModule } from './modules/cron.ts';
import { dockerModule } from './modules/docker-command.ts';
import { getUrlModule } from './modules/get-url.ts';
import { packageModule } from './modules/package.ts';
import { serviceModule, systemdModule } from './modules/units.ts';
import { uriModule } from './modules/uri.ts';
import { unarchiveModule } from './modules/unarchive.ts';
import { fetchModule } from './modules/fetch.ts';
import { userModule } from './modules/user.ts';
import { waitForModule } from './modules/wait-for.ts';
import { aptModule } from './modules/apt.ts';
import { commandModule } from './modules/command.ts';
import { copyModule } from './modules/copy.ts';
import { dockerPruneModule } from './modules/docker-prune.ts';
import { fileModule } from './modules/file.ts';
import { lineinfileModule } from './modules/lineinfile.ts';
import { pauseModule } from './modules/pause.ts';
import { assertModule, debugModule, failModule, setFactModule } from './modules/said.ts';
import { rebootModule } from './modules/reboot.ts';
import { scriptModule } from './modules/script.ts';
import { serviceExecModule } from './modules/service-exec.ts';
import { serviceRunModule } from './modules/service-run.ts';
import { shellModule } from './modules/shell.ts';
import { statModule } from './modules/stat.ts';
import { templateModule } from './modules/template.ts';

/** Every module. The order is that of the reference page. */
export const taskModules: readonly TaskModule[] = [
  commandModule,
  shellModule,
  scriptModule,
  copyModule,
  templateModule,
  fetchModule,
  unarchiveModule,
  fileModule,
  lineinfileModule,
  statModule,
  debugModule,
  assertModule,
  failModule,
  setFactModule,
  pauseModule,
  waitForModule,
  uriModule,
  serviceRunModule,
  serviceExecModule,
  rebootModule,
  aptModule,
  packageModule,
  serviceModule,
  systemdModule,
  getUrlModule,
  cronModule,
  userModule,
  dockerModule,
  dockerPruneModule,
];

/** The module of each name. */
export const taskModule: ReadonlyMap<string, TaskModule> = new Map(taskModules.map((module) => [module.name, module]));

/** The module that a key of a task names, with or without Ansible's collection in front. */
export function moduleOf(key: string): TaskModule | undefined {
  return taskModule.get(key.replace(/^ansible\.(?:builtin|legacy)\./, ''));
}
