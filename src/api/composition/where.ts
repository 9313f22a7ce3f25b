import { hostOfComposition, type HostOfComposition } from '../../composition/running.ts';
import { journalDir } from '../../store/journal.ts';
import { listRuns, type RunEnds } from '../../store/runs.ts';
import { withAccess, type AccessOptions } from './access.ts';
import { readFile, type CompositionFile } from './files.ts';
import { lookAtHosts } from './hosts.ts';
import { mostRuns, runsOf } from './list.ts';

export interface WhereComposition {
  readonly file: CompositionFile;
  /** Runs of this working folder that deployed it, newest first. */
  readonly runs: readonly RunEnds[];
  /** Of the playbook that was named: what each host runs of it now. */
  readonly hosts: readonly HostOfComposition[] | undefined;
}

/** Where a composition is: which runs brought it where, and with `hosts`, a playbook, what runs there now. */
export async function whereComposition(
  written: string,
  options: AccessOptions & { readonly hosts?: string | undefined },
): Promise<WhereComposition> {
  const file = readFile(written, options);
  const { name, components } = file.composition;
  const runs = runsOf(name, await listRuns(journalDir(options.env, options.cwd), mostRuns));
  if (options.hosts === undefined) return { file, runs, hosts: undefined };
  return withAccess({ ...options, playbook: options.hosts, composition: file.path }, async ({ opened }) => {
    const looks = opened === undefined ? [] : await lookAtHosts(opened);
    const hosts = looks.map((look): HostOfComposition =>
      'found' in look
        ? hostOfComposition(look.host, look.found.running, components)
        : { host: look.host, state: 'unreachable', components: [], message: look.trouble },
    );
    return { file, runs, hosts };
  });
}
