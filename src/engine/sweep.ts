import { createOptions, mountsFiles } from '../docker/create.ts';
import type { Service } from '../model/service.ts';
import type { RunContext } from './context.ts';
import type { Node } from './node.ts';

/**
 * Files of configs and secrets that no container mounts any more do not stay on the host. Those of `failed` go at once:
 * they were written for containers that this run has just taken away again.
 */
export async function sweepFiles(node: Node, failed: readonly Service[], context: RunContext): Promise<void> {
  if (!mayHaveFiles(node)) return;
  try {
    await node.session.docker.sweepFiles(failed);
  } catch (error) {
    if (context.interrupt.now.aborted) throw error;
    const why = error instanceof Error ? error.message : String(error);
    context.emit({
      type: 'warning',
      host: node.name,
      message: `old files of configs and secrets could not be removed: ${why}`,
    });
  }
}

/** Whether files of configs and secrets are or were on the host. */
function mayHaveFiles({ services, before }: Node): boolean {
  const wants = services.some((service) => createOptions(service).files.length > 0);
  return wants || [...(before?.values() ?? [])].some(mountsFiles);
}
