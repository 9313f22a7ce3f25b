import { labels } from '../docker/names.ts';
import type { Container } from '../docker/observed.ts';

/** Made by rollout, for whichever playbook. */
export function isOurs(container: Container | undefined): boolean {
  return container?.labels[labels.play] !== undefined;
}

/** Docker does nothing with a container any more whose removal was begun and has not come to its end. */
export function isHalfRemoved({ state }: Container): boolean {
  return state.status === 'removing' || state.status === 'dead';
}
