import { createContext, Script, type Context } from 'node:vm';

/** A search that does not end: some expressions take longer than the age of the world on a short text. */
export class RegexTimeoutError extends Error {
  constructor() {
    super(
      'takes too long on this text; repeat nothing that is repeated itself, as in (a+)+, or whose ways to match overlap, as in (a|a)*',
    );
  }
}

const deadlineMs = 1000;

let script: Script | undefined;
let context: (Context & { run: () => void }) | undefined;
const hopeless = new Set<string>();

/**
 * Runs searches of one expression (`key`), and ends them at a deadline: V8 looks for it while it searches, and signals
 * are heard again afterwards. An expression that has not ended once is not tried again.
 * @throws RegexTimeoutError
 */
export function withinDeadline<Result>(key: string, search: () => Result): Result {
  if (hopeless.has(key)) throw new RegexTimeoutError();
  // A machine that slept in the middle is no reason: the second time counts. After a few, less patience is enough.
  for (const limitMs of [deadlineMs, deadlineMs / 2 ** Math.min(hopeless.size, 6)]) {
    const result = searchFor(limitMs, search);
    if (result !== undefined) return result.value;
  }
  hopeless.add(key);
  throw new RegexTimeoutError();
}

function searchFor<Result>(limitMs: number, search: () => Result): { readonly value: Result } | undefined {
  script ??= new Script('run()');
  context ??= createContext({ run: () => undefined }) as Context & { run: () => void };
  let result: { readonly value: Result } | undefined;
  context.run = () => {
    result = { value: search() };
  };
  try {
    script.runInContext(context, { timeout: Math.ceil(limitMs) });
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return undefined;
  }
  return result;
}
