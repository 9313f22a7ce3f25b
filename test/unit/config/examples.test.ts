import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readPlaybook, type LoadOptions } from '../../../src/config/load.ts';
import type { Facts } from '../../../src/model/host.ts';

const root = new URL('../../..', import.meta.url).pathname;
const facts: Facts = {
  hostname: 'node',
  cpus: 4,
  memory_mb: 8192,
  arch: 'x86_64',
  os: 'linux',
  docker_version: '20.10.24',
};

function optionsFor(playbook: string): LoadOptions {
  return { playbook, inventories: [], extraVars: [], tags: [], skipTags: [], become: false, env: {}, cwd: root };
}

test.each(readdirSync(new URL('../../../playbooks', import.meta.url)))(
  'the example playbooks/%s loads, and every host of it is rendered, without a warning',
  async (name) => {
    const { problems, playbook: loaded } = await readPlaybook(optionsFor(`playbooks/${name}`), 'check');
    if (loaded === undefined) throw new Error('it cannot be read');
    expect(problems.errors()).toEqual([]);
    expect(loaded.warnings).toEqual([]);
    expect(loaded.plays.flatMap(({ hosts }) => hosts)).not.toEqual([]);
    for (const play of loaded.plays)
      for (const host of play.hosts) {
        const { services, tasks } = loaded.desired(play, host, facts);
        expect([...services, ...tasks]).not.toEqual([]);
      }
  },
);
