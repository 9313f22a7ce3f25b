import type { Host } from '../../model/host.ts';
import type { Problem } from '../../model/problem.ts';
import type { Secret } from '../../model/secret.ts';
import { connectionOf } from '../inventory/connection.ts';
import type { Member } from '../inventory/graph.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { Settings } from '../inventory/vars-files.ts';
import { TemplateFailure } from '../template/failure.ts';
import type { Problems } from '../text/problems.ts';
import { Source } from '../text/source.ts';
import type { Scopes } from './scopes.ts';

export interface HostOptions {
  readonly user?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly become: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** Makes hosts of inventory members, each once for all plays that do not set connection variables of their own. */
export class HostFactory {
  /** Passwords met on the way. */
  readonly secrets: Secret[] = [];
  readonly #scopes: Scopes;
  readonly #options: HostOptions;
  readonly #problems: Problems;
  readonly #hosts = new Map<Member, Host>();

  constructor(scopes: Scopes, options: HostOptions, problems: Problems) {
    this.#scopes = scopes;
    this.#options = options;
    this.#problems = problems;
  }

  host(member: Member, playVars: Settings, inventory: Inventory): Host {
    const own = [...playVars.keys()].some((name) => name.startsWith('ansible_'));
    const known = own ? undefined : this.#hosts.get(member);
    if (known !== undefined) return known;
    const host = this.#create(member, own ? playVars : new Map(), inventory);
    if (!own) this.#hosts.set(member, host);
    return host;
  }

  #create(member: Member, playVars: Settings, inventory: Inventory): Host {
    const settings = inventory.settings(member);
    const scope = this.#scopes.ofHost(member, playVars, undefined);
    const note = (variable: string, message: string): Problem => {
      const place = settings.get(variable)?.place ?? playVars.get(variable)?.place;
      const source = place?.source ?? new Source(member.file ?? '--inventory', '');
      return source.problem(place?.start ?? 0, `${member.name}.${variable}`, message);
    };
    const connection = connectionOf(member.name, {
      variable: (name) => {
        try {
          return scope.variable(name);
        } catch (error) {
          if (!(error instanceof TemplateFailure)) throw error;
          this.#problems.addAll(error.problems);
          return undefined;
        }
      },
      user: this.#options.user,
      privateKeyFile: this.#options.privateKey,
      become: this.#options.become,
      env: this.#options.env,
      problem: (variable, message) => this.#problems.add(note(variable, message)),
      warning: (variable, message) => this.#problems.warn(note(variable, message)),
    });
    const passwords = [connection.kind === 'ssh' ? connection.password : undefined, connection.become?.password];
    for (const password of passwords) if (password !== undefined) this.secrets.push(password);
    return {
      name: member.name,
      groups: inventory.groupNames(member),
      vars: Object.fromEntries([...settings].map(([name, { value }]) => [name, value])),
      connection,
    };
  }
}
