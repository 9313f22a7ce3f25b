import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { createProject, type Project } from './project.ts';

/** A project with a `bin/rollout` in it, to complete in. */
export function completionProject(script: string): Project {
  const project = createProject({
    'bin/rollout': `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`,
    'inventories/hosts.yaml': 'web: { hosts: { h1: , h2: }, children: { eu: { hosts: { h3: } } } }\n',
    // It would tell of itself if it were run.
    'inventories/script': '#!/bin/sh\ntouch was-run\n',
    'playbooks/prod.yaml': `inventory: [../inventories/hosts.yaml, ../inventories/script]
secrets: { token: { command: [touch, was-run] } }
plays:
  - name: web
    hosts: web
    compose: ../compose.yaml
    services:
      app: { image: shop/app:1, tags: [fast, night] }
`,
    'compose.yaml': 'services: { db: { image: postgres:17 } }\n',
    '.rollout/runs/20261127-101500-k3fd.jsonl': '',
    '$(touch was-run).yaml': '',
  });
  chmodSync(join(project.dir, 'bin/rollout'), 0o755);
  return project;
}
