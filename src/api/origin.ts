import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Where a run comes from, for whoever reads of it later. */
export interface Origin {
  readonly commit?: string;
  readonly ciJob?: string;
}

/** The commit that a playbook's working tree is at, and the CI job that runs it; what there is of them. */
export function originOf(playbook: string, env: NodeJS.ProcessEnv): Origin {
  const commit = commitOf(dirname(playbook));
  const ciJob = ciJobOf(env);
  return { ...(commit === undefined ? {} : { commit }), ...(ciJob === undefined ? {} : { ciJob }) };
}

function ciJobOf(env: NodeJS.ProcessEnv): string | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  const job =
    server !== undefined && repository !== undefined && run !== undefined
      ? `${server}/${repository}/actions/runs/${run}`
      : (env['CI_JOB_URL'] ?? env['BUILD_URL']);
  return job !== undefined && /^https?:\/\/\S+$/.test(job) ? job : undefined;
}

/** Read from git's own files: the program need not be there. Undefined outside of a working tree, and before its first commit. */
function commitOf(folder: string): string | undefined {
  const gitDir = findGitDir(resolve(folder));
  if (gitDir === undefined) return undefined;
  const head = readText(join(gitDir, 'HEAD'));
  if (head === undefined || isCommit(head)) return head;
  const ref = /^ref: (refs\/\S+)$/.exec(head)?.[1];
  if (ref === undefined || ref.split('/').includes('..')) return undefined;
  // A further working tree has a HEAD of its own, and shares branches.
  const common = readText(join(gitDir, 'commondir'));
  const shared = common === undefined ? gitDir : resolve(gitDir, common);
  const loose = readText(join(shared, ref));
  if (loose !== undefined) return isCommit(loose) ? loose : undefined;
  const packed = readText(join(shared, 'packed-refs'))?.split('\n') ?? [];
  const commit = packed.find((line) => line.endsWith(` ${ref}`))?.split(' ')[0];
  return commit !== undefined && isCommit(commit) ? commit : undefined;
}

function findGitDir(folder: string): string | undefined {
  const path = join(folder, '.git');
  if (readText(join(path, 'HEAD')) !== undefined) return path;
  const pointer = /^gitdir: (.+)$/.exec(readText(path) ?? '')?.[1];
  if (pointer !== undefined) return resolve(folder, pointer);
  const parent = dirname(folder);
  return parent === folder ? undefined : findGitDir(parent);
}

function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
