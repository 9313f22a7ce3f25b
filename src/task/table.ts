import type { TaskModule } from './module.ts';
import { commandModule } from './modules/command.ts';
import { shellModule } from './modules/shell.ts';

/** Every module. The order is that of the reference page. */
export const taskModules: readonly TaskModule[] = [commandModule, shellModule];

/** The module of each name. */
export const taskModule: ReadonlyMap<string, TaskModule> = new Map(taskModules.map((module) => [module.name, module]));
