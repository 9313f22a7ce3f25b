import { Docker } from '../../../src/docker/docker.ts';
import type { Lab } from '../support/fleet.ts';
import { changeOneKey } from '../support/one-key.ts';
import { remoteOnLab } from '../support/services.ts';

/** The long form of the property in services-convergence.test.ts. @returns whether every round was right */
export async function soakServices(
  lab: Lab,
  { runs, seed, say }: { readonly runs: number; readonly seed: number; readonly say: (line: string) => void },
): Promise<boolean> {
  const host = 'h1';
  const image = await lab.publish('shop/app', '1.0');
  await lab.docker(host, ['pull', '--quiet', image]);
  say(`services: ${runs} random services, each changed in one random key; --seed ${seed}`);
  const startedMs = Date.now();
  let rounds = 0;
  const onRound = (): void => {
    rounds += 1;
    if (rounds % 25 === 0) say(`  ${rounds} of ${runs}`);
  };
  try {
    const counts = await changeOneKey(new Docker(remoteOnLab(lab, host)), image, { runs, seed, onRound });
    const keys = [...counts].sort(([, a], [, b]) => b - a).map(([key, count]) => `${key} ${count}`);
    say(
      `${rounds} rounds in ${Math.round((Date.now() - startedMs) / 1000)} s, none wrong; ${counts.size} keys: ${keys.join(', ')}`,
    );
    return true;
  } catch (error) {
    say(`wrong after ${rounds} rounds: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}
