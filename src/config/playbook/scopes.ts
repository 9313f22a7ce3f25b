import type { Facts, Value } from '../../model/host.ts';
import type { Member } from '../inventory/graph.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Settings } from '../inventory/vars-files.ts';
import type { TemplateEngine } from '../template/engine.ts';
import { Scope, type Variable, type Variables } from '../template/scope.ts';
import { foundLayer, type Layer, type TaskLayer } from './task-scopes.ts';

/** Every layer of variables that a playbook has, and the scopes that templates are rendered in. */
export interface ScopeLayers {
  readonly engine: TemplateEngine;
  readonly inventory: Inventory;
  /** `-e`: above everything else. */
  readonly extraVars: Settings;
  /** Of the playbook: `vars`, then `vars_files`. */
  readonly playbookVars: Settings;
  /** The folder of the playbook. */
  readonly playbookFolder: string;
}

export class Scopes {
  readonly #layers: ScopeLayers;
  readonly #others = new Map<string, Scope | undefined>();
  readonly #constants: ReadonlyMap<string, Variable>;
  readonly #ofAll: Settings;

  constructor(layers: ScopeLayers) {
    this.#layers = layers;
    this.#ofAll = layers.inventory.settingsOfAll;
    this.#constants = new Map<string, Variable>([
      ['groups', { value: layers.inventory.groups, isData: true }],
      ['playbook_dir', { value: layers.playbookFolder, isData: true }],
    ]);
  }

  /** For what a play decides once: its own variables over the playbook's over those of `all`. */
  ofPlay(playVars: Settings): Scope {
    const { engine, extraVars, playbookVars } = this.#layers;
    return new Scope(engine, this.#variables([this.#constants, extraVars, playVars, playbookVars, this.#ofAll]));
  }

  /** For one host: facts, when they are known, and its own variables below those of play and playbook. */
  ofHost(member: Member, playVars: Settings, facts: Facts | undefined, playName?: string): Scope {
    return new Scope(this.#layers.engine, this.#variables(this.#hostLayers(member, playVars, facts, playName)));
  }

  /** The same with what a task has: what the run has found wins over variables, and `-e` over all. */
  ofTask(
    member: Member,
    playVars: Settings,
    facts: Facts | undefined,
    playName: string,
    { vars, values, later }: TaskLayer,
  ): Scope {
    const [magic = none, constants = none, extraVars = none, ...others] = this.#hostLayers(
      member,
      playVars,
      facts,
      playName,
    );
    const layers = [magic, constants, extraVars, foundLayer({ values, later }), ...vars, ...others];
    return new Scope(this.#layers.engine, this.#variables(layers));
  }

  #hostLayers(member: Member, playVars: Settings, facts: Facts | undefined, playName?: string): readonly Layer[] {
    const { inventory, extraVars, playbookVars } = this.#layers;
    const magic = new Map<string, Variable>(
      Object.entries(inventory.magic(member)).map(([name, value]) => [name, { value, isData: true }]),
    );
    if (facts !== undefined) magic.set('facts', { value: { ...facts }, isData: true });
    if (playName !== undefined) magic.set('ansible_play_name', { value: playName, isData: true });
    return [magic, this.#constants, extraVars, playVars, playbookVars, inventory.settings(member)];
  }

  #variables(layers: readonly Layer[]): Variables {
    return {
      get: (name) => {
        for (const layer of layers) {
          const found = layer.get(name);
          if (found !== undefined) return found;
        }
        return undefined;
      },
      names: () => new Set(layers.flatMap((layer) => [...layer.keys()])),
      hostvar: (host, name) => this.#hostvar(host, name),
    };
  }

  #hostvar(host: string, name: string): Value | undefined {
    if (!this.#others.has(host)) {
      const member = this.#layers.inventory.graph.hosts.get(host);
      this.#others.set(host, member === undefined ? undefined : this.ofHost(member, none, undefined));
    }
    return this.#others.get(host)?.variable(name);
  }
}

const none: Settings = new Map();
