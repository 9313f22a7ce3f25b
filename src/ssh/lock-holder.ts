import { printable } from './printable.ts';

/** Who holds a host: shown to whoever is turned away. */
export interface LockHolder {
  /** The run's id. */
  readonly run: string;
  readonly user: string;
  /** The machine that the run was started on. */
  readonly controller: string;
  /** Epoch milliseconds. */
  readonly since: number;
}

/** As read from a host's file. */
export type FoundHolder = Partial<LockHolder> & { readonly host?: string; readonly isGoingOn?: boolean };

/** What a run writes that has all its hosts. */
export const goingOn = 'going on';

/** Undefined where it is no text of a run. */
export function parseHolder(text: string): FoundHolder | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const fields = new Map(
      Object.entries(value).flatMap(([key, field]): [string, string][] =>
        typeof field === 'string' ? [[key, printable(field, 80)]] : [],
      ),
    );
    const since = Date.parse(fields.get('since') ?? '');
    const host = fields.get('host');
    return {
      run: fields.get('run') ?? '?',
      user: fields.get('user') ?? '?',
      controller: fields.get('controller') ?? '?',
      isGoingOn: fields.get('state') === goingOn,
      ...(host === undefined ? {} : { host }),
      ...(Number.isNaN(since) ? {} : { since }),
    };
  } catch {
    return undefined;
  }
}

/** `run 20261121-1504 of alice from laptop, since 2026-11-21T15:04:05Z` */
export function describeHolder({ run, user, controller, since }: Partial<LockHolder>): string {
  const time = since === undefined ? '' : `, since ${new Date(since).toISOString()}`;
  return `run ${run ?? '?'} of ${user ?? '?'} from ${controller ?? '?'}${time}`;
}
