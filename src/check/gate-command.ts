import { howItFailed } from './command.ts';
import { describeEnd, runProgram } from '../local/program.ts';
import type { GateCommand } from '../model/gate.ts';

/** How a gate ended, and what it printed. */
export interface GateAnswer {
  /** Undefined where it did not come to its end. */
  readonly exitCode?: number;
  readonly message: string;
  readonly output: readonly string[];
}

/** What it prints is shown as its last lines: a test that fails says why at its end. */
export const keptGateBytes = 32_768;
const mostLines = 50;

/** Runs a gate's command at the controller, with the controller's environment and this one. Never rejects. */
export async function runGateCommand(
  { argv, folder }: GateCommand,
  environment: Readonly<Record<string, string>>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<GateAnswer> {
  const env = { ...process.env, ...environment };
  const options = {
    cwd: folder,
    env,
    timeoutMs,
    signal,
    mostBytes: keptGateBytes,
    keeps: 'last',
    ownGroup: true,
  } as const;
  const { end, stdout, stderr } = await runProgram(argv, options);
  const output = [...lastLines(stdout), ...lastLines(stderr)].slice(-mostLines);
  const message = describeEnd(end, options) ?? 'exit code 0';
  const [program = ''] = argv;
  if (end.kind === 'exited') return { exitCode: end.code, message, output };
  if (end.kind === 'unstarted') return { message: howItFailed(end.error, program, folder), output };
  return { message, output };
}

/** The last lines of a text, without those that are empty at its end. */
export function lastLines(text: string): readonly string[] {
  const trimmed = text.trimEnd();
  return trimmed === '' ? [] : trimmed.split('\n').slice(-mostLines);
}
