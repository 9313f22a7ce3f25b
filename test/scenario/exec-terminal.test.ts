import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { deviceOf, onTerminal, settingsOf, type OnTerminal } from '../support/on-terminal.ts';
import { runRollout } from '../support/rollout.ts';
import { startStage, type Stage } from './support/stage.ts';

const run = promisify(execFile);

describe('exec -it', () => {
  let stage: Stage;
  let file: string;
  beforeAll(async () => {
    stage = await startStage({ hosts: 2 });
    file = await stage.playbook(await stage.deploy('1'));
  });
  afterAll(() => stage.close());

  /** `rollout exec` on a terminal of 100 by 40; before and after it stands how the terminal is set. */
  const exec = (...words: readonly string[]): OnTerminal => {
    const command = [process.execPath, inject('rolloutScript'), 'exec', ...words].join(' ');
    const script = `stty rows 40 cols 100; tty; stty -g; ${command}; code=$?; stty -g; exit $code`;
    return onTerminal(['sh', '-c', script], stage.cwd);
  };

  test('is a shell on one host, of the terminal’s size, which follows it; its exit code is the shell’s', async () => {
    const terminal = exec('-it', file, 'h1', '--', 'sh');
    await terminal.said('$ ');
    terminal.type('stty size\r');
    await terminal.said('40 100');
    await run('stty', ['-F', deviceOf(terminal), 'rows', '20', 'cols', '60']);
    await expect
      .poll(() => {
        terminal.type('stty size\r');
        return terminal.text();
      })
      .toContain('20 60');
    // As it came from there: Node's own raw mode would make CR CR LF of it.
    expect(terminal.raw()).toContain('\r\n20 60\r\n');
    terminal.type('exit 7\r');
    expect(await terminal.exited).toBe(7);
    expect(settingsOf(terminal)).toEqual({ before: expect.any(String) as string, isRestored: true });
  });

  test('more hosts than one, or no terminal, are exit code 2, with what to type', async () => {
    const many = exec('-it', file, 'all', '--', 'sh');
    expect(await many.exited).toBe(2);
    expect(many.text()).toContain('2 are meant: h1, h2\n');
    const settings = { script: inject('rolloutScript'), cwd: stage.cwd };
    const { exitCode, stderr } = await runRollout(['exec', '-it', file, 'h1', '--', 'sh'], settings);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr:
        'rollout: exec -it wants a terminal at stdin and stdout, and there is none\n' +
        '  Without -it the command runs, and its output can go anywhere: rollout exec PLAYBOOK PATTERN -- COMMAND\n',
    });
    expect((await runRollout(['exec', file, 'h1', '-it', '--', 'sh'], settings)).stderr).toContain(
      'flags stand before the playbook: rollout exec -it',
    );
  });
});
