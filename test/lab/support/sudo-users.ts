import { run } from './processes.ts';
import type { Lab } from './fleet.ts';

/** A user of the hosts that logs in with the lab's key, and what sudoers says of it. */
export interface SudoUser {
  readonly name: string;
  /** Without one no password fits. */
  readonly password?: string;
  /** Lines of a file in sudoers.d. */
  readonly rules: readonly string[];
  /** What sudo says before it asks, as Debian's does on a first use. */
  readonly lecture?: string;
}

/** Adds users to a host with a system of its own. */
export async function addSudoUsers(lab: Lab, host: string, users: readonly SudoUser[]): Promise<void> {
  for (const { name, password, rules, lecture } of users) {
    const hash =
      password === undefined
        ? '*'
        : (await run(['openssl', 'passwd', '-6', '-stdin'], { input: `${password}\n` })).trim();
    const script = `name=$1 hash=$2 rules=$3 lecture=$4
useradd -m -s /bin/sh -p "$hash" -- "$name"
install -d -m 700 -o "$name" -g "$name" "/home/$name/.ssh"
install -m 600 -o "$name" -g "$name" /root/.ssh/authorized_keys "/home/$name/.ssh/authorized_keys"
[ -z "$lecture" ] || printf '%s\\n' "$lecture" >"/etc/sudo_lecture_$name"
printf '%s\\n' "$rules" >"/etc/sudoers.d/$name"
chmod 440 "/etc/sudoers.d/$name"
visudo -cq`;
    const words = [name, hash, rules.join('\n'), lecture ?? ''];
    const { exitCode, stderr } = await lab.exec(host, ['sh', '-ec', script, 'sh', ...words]);
    if (exitCode !== 0) throw new Error(`${host}: user ${name}: ${stderr}`);
  }
}
