import * as z from 'zod';
import { must, text, wholeNumber, wordsBy } from '../../schema/values.ts';
import { shlexRules } from '../../shell/words.ts';
import { assertDone } from '../apply.ts';
import { taskModule, type Result, type TaskHost } from '../module.ts';

const seconds = wholeNumber;

const schema = () =>
  z.strictObject(
    {
      reboot_timeout: seconds
        .default(600)
        .describe('Seconds within which the host must be back, with docker answering.'),
      pre_reboot_delay: seconds.default(0).describe('Seconds before it is rebooted.'),
      post_reboot_delay: seconds.default(0).describe('Seconds that are waited once it is back.'),
      msg: text.default('Reboot initiated by rollout').describe('Said to users of the host.'),
      reboot_command: text
        .transform(wordsBy(shlexRules))
        .optional()
        .describe('What reboots it, as root; shutdown -r now by default.'),
      test_command: text
        .transform(wordsBy(shlexRules))
        .optional()
        .describe('A command that must succeed before the host counts as back.'),
    },
    must('a mapping, which may be empty'),
  );
type Params = z.output<ReturnType<typeof schema>>;

export const rebootModule = taskModule({
  name: 'reboot',
  doc: 'Reboots the host and waits until it is another boot, docker answers, and the services that ran are healthy again. Under `tasks` the node is out of rotation meanwhile; elsewhere, in a play with a load balancer, it is an error. With `when: reboot_required` only where the host asks for it.',
  schema,
  takesHostDown: true,
  plan: (params) => ({
    kind: 'change',
    result: { rebooted: true, elapsed: 0 },
    apply: (host) => reboot(params, host),
  }),
});

async function reboot(params: Params, host: TaskHost): Promise<Result> {
  const { reboot_timeout: limitSeconds, pre_reboot_delay: before, post_reboot_delay: after } = params;
  if (host.isController) throw new Error('this is the controller itself, which would go with the run');
  const bootBefore = await bootId(host);
  if (bootBefore === undefined) throw new Error(`the host does not tell which boot this is (${bootIdFile})`);
  const bringBack = await host.services?.noteRunning();
  if (before > 0) await host.sleep(before * 1000);
  const startedMs = host.now();
  const endMs = startedMs + limitSeconds * 1000;
  await order(params, host);
  const deadline: Deadline = { endMs, words: `within ${limitSeconds} s` };
  await untilNewBoot(bootBefore, host, deadline);
  await until(['docker', 'version', '--format', '{{.Server.Version}}'], 'docker does not answer', host, deadline);
  if (params.test_command !== undefined)
    await until(params.test_command, 'its test command does not succeed', host, deadline);
  if (after > 0) await host.sleep(after * 1000);
  await bringBack?.();
  return { rebooted: true, elapsed: Math.round((host.now() - startedMs) / 1000) };
}

const bootIdFile = '/proc/sys/kernel/random/boot_id';
/** How long a question may take, to a host that may be about to go. */
const questionMs = 10_000;
const askAgainMs = 1000;

interface Deadline {
  readonly endMs: number;
  readonly words: string;
}

async function bootId(host: TaskHost): Promise<string | undefined> {
  const { exitCode, stdout } = await host.run(['cat', bootIdFile], { timeoutMs: questionMs });
  const id = stdout.trim();
  return exitCode === 0 && id !== '' ? id : undefined;
}

/** The connection may be gone before the command has ended. */
async function order({ reboot_command: command, msg }: Params, host: TaskHost): Promise<void> {
  const argv = command ?? ['sh', '-c', rebootScript, 'rollout-reboot', msg];
  const answer = await host.run(argv, { timeoutMs: 6 * questionMs }).catch(() => undefined);
  // 255 and signals: what shuts the host down ends this command too.
  if (answer !== undefined && answer.exitCode < 128) assertDone(answer);
}

/** By whichever of the three the host has. */
const rebootScript = `
if command -v shutdown >/dev/null 2>&1; then exec shutdown -r now "$1"
elif command -v systemctl >/dev/null 2>&1; then exec systemctl reboot
else exec reboot
fi`.trim();

async function untilNewBoot(bootBefore: string, host: TaskHost, { endMs, words }: Deadline): Promise<void> {
  for (;;) {
    let why = 'it still runs';
    try {
      const now = await bootId(host);
      if (now !== undefined && now !== bootBefore) return;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
      const leftMs = endMs - host.now();
      if (leftMs > 0)
        await host.reconnect(leftMs).catch((gone: unknown) => {
          why = gone instanceof Error ? gone.message : String(gone);
        });
    }
    if (host.now() >= endMs) throw new Error(`the host was not back ${words} of its reboot: ${why}`);
    await host.sleep(askAgainMs);
  }
}

async function until(argv: readonly string[], what: string, host: TaskHost, { endMs, words }: Deadline): Promise<void> {
  for (;;) {
    let why: string;
    try {
      const { exitCode, stdout, stderr } = await host.run(argv, { timeoutMs: questionMs });
      if (exitCode === 0) return;
      why = stderr.trim() || stdout.trim() || `exit code ${exitCode}`;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
      const leftMs = endMs - host.now();
      if (leftMs > 0) await host.reconnect(leftMs).catch(() => undefined);
    }
    if (host.now() >= endMs) throw new Error(`the host is back from its reboot, but ${what} ${words}: ${why}`);
    await host.sleep(askAgainMs);
  }
}
