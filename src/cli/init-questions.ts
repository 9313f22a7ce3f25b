import { createInterface, type Interface } from 'node:readline/promises';
import { basename } from 'node:path';
import { sanitize } from '../render/sanitize.ts';
import { isInteractive } from './prompt.ts';
import type { World } from './world.ts';

export interface InitFlags {
  readonly name?: string;
  readonly stage: string;
  readonly host: readonly string[];
  readonly group?: string;
  readonly image?: string;
  readonly port?: string;
  readonly balancer: readonly string[];
  readonly backend: string;
  readonly fromCompose: readonly string[];
  readonly fromAnsible: readonly string[];
  readonly fromHost: readonly string[];
  readonly user?: string;
  readonly privateKey?: string;
  readonly become: boolean;
  readonly forks: number;
  readonly acceptNew: boolean;
  readonly vaultPasswordFile?: string;
  readonly askVaultPass: boolean;
}

/** What flags say, and what was answered where they say nothing. */
export interface Answers {
  readonly name: string | undefined;
  readonly hosts: readonly string[];
  readonly group: string | undefined;
  readonly user: string | undefined;
  readonly image: string | undefined;
  readonly port: string | undefined;
  readonly balancer: readonly string[] | undefined;
}

/** At a terminal, and where no flag says what to begin with, each question once; an empty line takes what is offered. */
export async function askWhatIsMissing(flags: InitFlags, world: World): Promise<Answers> {
  const { name, host, group, user, image, port, balancer, fromAnsible, fromCompose, fromHost } = flags;
  const said: Answers = { name, hosts: host, group, user, image, port, balancer };
  const isEnough = host.length + fromAnsible.length + fromHost.length > 0;
  if (isEnough || !isInteractive(world)) return said;
  const { stdin, stderr, cwd } = world;
  const prompt = createInterface({ input: stdin, output: stderr });
  prompt.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    const isApp = fromCompose.length === 0;
    const asked = await ask(prompt, 'Name of the project', name ?? basename(cwd));
    const hosts = await ask(prompt, 'Hosts, as user@10.0.0.11, with blanks between them', '');
    return {
      ...said,
      name: asked,
      hosts: hosts.split(/[\s,]+/).filter((word) => word !== ''),
      user:
        user ?? emptyAsNone(await ask(prompt, 'User to log in as, where a host names none (empty: as ssh does)', '')),
      group: group ?? (await ask(prompt, "The hosts' group", 'web')),
      image: isApp
        ? (image ?? (await ask(prompt, 'Image of your service', 'registry.example.com/shop/app:1.0')))
        : image,
      port: isApp ? (port ?? (await ask(prompt, 'Port that it publishes', '8080'))) : port,
      balancer:
        balancer.length > 0 ? balancer : words(await ask(prompt, "HAProxy's statistics page (empty: no balancer)", '')),
    };
  } finally {
    prompt.close();
  }
}

async function ask(prompt: Interface, question: string, offered: string): Promise<string> {
  const shown = offered === '' ? '' : ` [${sanitize(offered)}]`;
  const answer = (await prompt.question(`${question}${shown}: `)).trim();
  return answer === '' ? offered : answer;
}

const emptyAsNone = (text: string): string | undefined => (text === '' ? undefined : text);
const words = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== '');
