import { ownImages } from '../engine/images.ts';
import { FleetReader } from '../engine/look.ts';
import { statusOf } from '../plan/status.ts';
import type { FleetStatus } from '../plan/status-model.ts';
import { open, warnOfPatterns, type RunHooks } from './open.ts';
import { defaultOptions, given, type ConnectionOptions, type PlaybookOptions } from './options.ts';
import { redactError } from './redact-error.ts';
import { systemSurroundings, type Surroundings } from './surroundings.ts';

export interface StatusOptions
  extends Partial<PlaybookOptions>, Partial<Omit<ConnectionOptions, 'lockTimeout'>>, Partial<Surroundings>, RunHooks {}

/** A fleet that is looked at: its connections stay open between looks. */
export interface StatusReader {
  /** What runs now. @throws ConfigError where a template cannot be rendered for a host */
  look(): Promise<FleetStatus>;
  /** Text without what must not be shown. */
  redact(text: string): string;
  close(): Promise<void>;
}

/** Opens a playbook's fleet to look at it: nothing is written and no lock is taken. @throws ConfigError */
export async function openStatus(playbook: string, options: StatusOptions = {}): Promise<StatusReader> {
  const surroundings = { ...systemSurroundings(), ...given(options) };
  const opened = await open(playbook, { ...defaultOptions, ...given(options) }, surroundings, options, ownImages);
  warnOfPatterns(opened);
  const reader = new FleetReader(opened, opened.context);
  const { name, composition } = opened.playbook;
  return {
    look: async () => {
      try {
        const found = await reader.look();
        const { clock } = surroundings;
        return statusOf({ playbook: name, composition: composition?.name }, found, clock.now());
      } catch (error) {
        throw redactError(error, opened.redactor);
      }
    },
    redact: (text) => opened.redactor.redact(text),
    close: async () => {
      await reader.close();
      await opened.close();
    },
  };
}
