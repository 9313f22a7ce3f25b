import type { ModuleTask } from '../../src/model/task.ts';

const asked = (): never => {
  throw new Error('nobody asks this task anything');
};

/** A task for those that only look at its name. */
export function taskNamed(name: string, parts: Partial<ModuleTask> = {}): ModuleTask {
  return {
    kind: 'module',
    name,
    module: 'command',
    runOnce: false,
    timeoutMs: 1000,
    register: undefined,
    loop: undefined,
    tries: undefined,
    delayMs: 0,
    notify: [],
    listen: [],
    noLog: false,
    ask: {
      holds: asked,
      items: asked,
      settle: asked,
      test: asked,
      evaluate: asked,
      condition: asked,
      text: asked,
      controller: { file: asked, place: asked },
      regex: asked,
    },
    ...parts,
  };
}
