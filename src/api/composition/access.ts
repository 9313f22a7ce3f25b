import pLimit from 'p-limit';
import { createRegistry, type Registry } from '../../docker/registry.ts';
import { RegistryError } from '../../docker/registry-error.ts';
import { RunRefused } from '../../engine/context.ts';
import { ownImages } from '../../engine/images.ts';
import { exitCodes } from '../../events/exit-code.ts';
import type { ImageRef } from '../../model/image.ts';
import { createRedactor } from '../../model/redactor.ts';
import { open, type OpenedRun, type RunHooks } from '../open.ts';
import { defaultOptions, type ConnectionOptions, type PlaybookOptions } from '../options.ts';
import { redactError } from '../redact-error.ts';
import type { Surroundings } from '../surroundings.ts';

/** What a command about compositions reaches: registries, and a playbook's hosts where it names one. */
export interface Access {
  readonly registry: Registry;
  /** Undefined where no playbook was named. */
  readonly opened: OpenedRun | undefined;
}

/** How they are reached. */
export interface AccessOptions extends Partial<PlaybookOptions>, Partial<ConnectionOptions>, Surroundings, RunHooks {
  /** Whose `registries`, and whose hosts. Without it registries are asked with docker's own logins. */
  readonly playbook?: string | undefined;
}

/** Work with registries and hosts; whatever they say in an error is without secrets, and everything is closed at its end. */
export async function withAccess<T>(options: AccessOptions, work: (access: Access) => Promise<T>): Promise<T> {
  const { playbook, env } = options;
  if (playbook !== undefined) {
    const opened = await open(playbook, { ...defaultOptions, ...options }, options, options, ownImages);
    try {
      return await work({ registry: opened.registry, opened });
    } catch (error) {
      throw redactError(error, opened.redactor);
    } finally {
      await opened.close();
    }
  }
  const redactor = createRedactor([]);
  const registry = createRegistry({ env, registries: [], onSecret: (secret) => redactor.add(secret) });
  try {
    return await work({ registry, opened: undefined });
  } catch (error) {
    throw redactError(error, redactor);
  }
}

/** Something about one component that a registry was asked for, or why it did not say. */
export type Answer<T> = { readonly component: string } & ({ readonly value: T } | { readonly trouble: RegistryError });

/** Asks for every component at once. */
export function askEach<T>(
  components: ReadonlyMap<string, ImageRef>,
  ask: (image: ImageRef, component: string) => Promise<T>,
): Promise<readonly Answer<T>[]> {
  const limit = pLimit(8);
  return Promise.all(
    [...components].map(([component, image]) =>
      limit(async (): Promise<Answer<T>> => {
        try {
          return { component, value: await ask(image, component) };
        } catch (trouble) {
          if (trouble instanceof RegistryError) return { component, trouble };
          throw trouble;
        }
      }),
    ),
  );
}

/** The values; @throws RunRefused with every component that has none */
export function valuesOf<T>(answers: readonly Answer<T>[], what: string): ReadonlyMap<string, T> {
  const troubles = answers.flatMap((answer) => ('trouble' in answer ? [answer] : []));
  if (troubles.length > 0) {
    const isAway = troubles.every(({ trouble }) => trouble.kind === 'unreachable' || trouble.kind === 'slow');
    throw new RunRefused(
      isAway ? exitCodes.unreachable : exitCodes.usage,
      what,
      troubles.map(({ component, trouble }) => `${component}: ${wordsOf(trouble)}`),
    );
  }
  return new Map(answers.flatMap((answer) => ('value' in answer ? [[answer.component, answer.value] as const] : [])));
}

export function wordsOf({ message, hint }: RegistryError): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
