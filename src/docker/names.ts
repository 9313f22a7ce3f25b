export { nextName, previousName } from '../model/container-names.ts';

/** Of containers of single tasks. */
export const oneOffPrefix = 'rollout.run.';
export const isOneOff = (name: string): boolean => name.startsWith(oneOffPrefix);

/** Of containers that were created ahead of their node's turn; behind it the name that they get then. */
const aheadPrefix = 'rollout.ahead.';
export const aheadName = (name: string): string => `${aheadPrefix}${name}`;
export const isAhead = (name: string): boolean => name.startsWith(aheadPrefix);

/** Labels on every container that rollout created. */
export const labels = {
  playbook: 'rollout.playbook',
  play: 'rollout.play',
  service: 'rollout.service',
  specHash: 'rollout.spec-hash',
  image: 'rollout.image',
  composition: 'rollout.composition',
  run: 'rollout.run',
  /** The first run of those that were resumed, one after the other, up to this one. */
  release: 'rollout.release',
  /** Id of the container whose place it took: that one may be somebody else's, without any label. */
  replaces: 'rollout.replaces',
  /** The restart policy of that container, which is `no` while it is parked. */
  replacesRestart: 'rollout.replaces-restart',
  /** On a container of a task, in place of the play's: the run that it is of. */
  oneOff: 'rollout.one-off',
  /** Names of the variables that are secrets, with commas. */
  secrets: 'rollout.secrets',
} as const;
