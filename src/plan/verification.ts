import type { Container } from '../docker/observed.ts';

export type Judgement =
  | { readonly kind: 'good' }
  | { readonly kind: 'waiting'; readonly reason: string }
  /** It cannot become good by waiting. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Whether a container runs as it should: running, not restarted since `baseRestarts`, healthy where it says so. */
export function judgeContainer({ state }: Container, baseRestarts: number): Judgement {
  const restarts = state.restartCount - baseRestarts;
  if (restarts > 0 || state.status === 'restarting') {
    return { kind: 'failed', reason: `crashed and was restarted; its last exit code was ${state.exitCode}` };
  }
  if (!state.running) {
    const why = state.oomKilled ? ' (out of memory)' : state.error === '' ? '' : ` (${state.error})`;
    return { kind: 'failed', reason: `exited with code ${state.exitCode}${why}` };
  }
  if (state.status === 'paused') return { kind: 'failed', reason: 'is paused' };
  switch (state.health) {
    case undefined:
    case 'healthy':
      return { kind: 'good' };
    case 'starting':
      return { kind: 'waiting', reason: `its healthcheck has not passed yet${output(state.healthOutput)}` };
    case 'unhealthy':
      return { kind: 'failed', reason: `is unhealthy${output(state.healthOutput)}` };
  }
}

const output = (text: string | undefined): string => (text === undefined || text === '' ? '' : `: ${text}`);
