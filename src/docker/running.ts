import { labels } from './names.ts';
import type { Container } from './observed.ts';
import { nextName, previousName } from '../model/container-names.ts';

/** A container of ours in its service's place. */
export interface RunningService {
  readonly play: string;
  readonly service: string;
  readonly image: string;
  readonly composition: string | undefined;
  readonly run: string | undefined;
  readonly isRunning: boolean;
}

/** Those of one playbook; containers that are being made, or are parked, are in nobody's place. */
export function runningServices(containers: Iterable<Container>, playbook: string): readonly RunningService[] {
  const all = [...containers];
  const besides = new Set(all.flatMap(({ name }) => [nextName(name), previousName(name)]));
  return all.flatMap((container) => {
    const { name, state } = container;
    const said = container.labels;
    const [service, play, image] = [said[labels.service], said[labels.play], said[labels.image]];
    if (service === undefined || play === undefined || image === undefined || said[labels.playbook] !== playbook)
      return [];
    if (besides.has(name)) return [];
    const [composition, run] = [said[labels.composition], said[labels.run]];
    return [{ play, service, image, composition, run, isRunning: state.running }];
  });
}
