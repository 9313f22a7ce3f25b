import { cpus, release, totalmem, type } from 'node:os';
import { runToEnd } from '../test/lab/support/processes.ts';

/** What the figures were taken on and with, a line each. */
export async function describeMachine(): Promise<readonly string[]> {
  const [cpu] = cpus();
  const programs = [
    ['docker', 'docker client', ['docker', '--version']],
    ['dockerd', 'docker daemon', ['dockerd', '--version']],
    ['haproxy', 'HAProxy', ['haproxy', '-v']],
    ['ansible', 'Ansible', ['ansible-playbook', '--version']],
    ['ssh', 'OpenSSH', ['ssh', '-V']],
  ] as const;
  const versions = await Promise.all(
    programs.map(async ([, name, argv]) => {
      const { stdout, stderr } = await runToEnd(argv).catch(() => ({ stdout: '', stderr: 'not installed' }));
      const [line = ''] = `${stdout}${stderr}`.split('\n');
      return `${name} ${/\d+\.\d+\S*/.exec(line)?.[0].replace(/[\],]+$/, '') ?? line}`;
    }),
  );
  return [
    `${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()}`,
    `node ${process.versions.node}, ${versions.join(', ')}`,
  ];
}
