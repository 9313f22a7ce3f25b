import { afterAll, beforeAll, expect, test } from 'vitest';
import { Docker } from '../../src/docker/docker.ts';
import { renameStep, startStep, stopStep, updateStep } from '../../src/docker/steps.ts';
import { service } from '../support/services.ts';
import { describeOnLab, emptyLab } from './support/lab-test.ts';
import { remoteOnLab } from './support/services.ts';

const host = 'h1';

// What docker refuses for a moment, or for as long as somebody wants it so. The sandbox says it in the same words.
describeOnLab(
  'what docker refuses',
  (lab) => {
    let image = '';
    let docker: Docker;

    beforeAll(async () => {
      image = await lab().publish('shop/app', '1.0');
      docker = new Docker(remoteOnLab(lab(), host));
      await lab().docker(host, ['pull', '--quiet', image]);
    });
    afterAll(() => emptyLab(lab()));

    const create = async (name: string): Promise<void> => {
      await docker.create(service({ image, restart: 'always' }, name), name, {});
      await docker.carryOut([startStep(name)]);
    };

    test('a container that somebody else is removing is gone when its removal has ended, and never an error', async () => {
      for (let round = 0; round < 4; round += 1) {
        await create('app');
        // It may be gone before it is waited for.
        const ended = lab()
          .docker(host, ['wait', 'app'])
          .catch(() => undefined);
        // Whoever comes second is told so.
        const byHand = lab()
          .docker(host, ['rm', '--force', 'app'])
          .catch(() => undefined);
        // Both at once, or the second while the first one takes away what has ended.
        if (round % 2 === 1) await ended;
        await docker.remove('app');
        expect(await docker.inspect(['app'])).toEqual(new Map());
        // Its name is free again at once.
        await create('app');
        await docker.remove('app');
        await Promise.all([byHand, ended]);
      }
    });

    test('a paused container is not started; it goes on when told to, once or twice, and stops in good order', async () => {
      await create('app');
      await lab().docker(host, ['pause', 'app']);
      expect((await docker.inspect(['app'])).get('app')).toMatchObject({ state: { status: 'paused', running: true } });
      await expect(docker.carryOut([startStep('app')])).rejects.toThrow('cannot start a paused container');
      await docker.unpause('app');
      await docker.unpause('app');
      expect((await docker.inspect(['app'])).get('app')).toMatchObject({ state: { status: 'running' } });
      await lab().docker(host, ['pause', 'app']);
      await docker.carryOut([updateStep('app', ['--restart', 'no']), stopStep('app', 5000)]);
      expect((await docker.inspect(['app'])).get('app')).toMatchObject({ state: { status: 'exited', exitCode: 0 } });
      await docker.remove('app');
    });

    test('a container that waits for its next start is renamed once it is stopped, whether docker does so before or not', async () => {
      const crashing = await lab().publish('shop/app', 'crashes', { APP_FAULT: 'crash' });
      await lab().docker(host, ['pull', '--quiet', crashing]);
      await docker.create(service({ image: crashing, restart: 'always' }, 'app'), 'app', {});
      await docker.carryOut([startStep('app')]);
      // From the fourth time on docker waits for a second and more.
      const waits = async () => {
        const state = (await docker.inspect(['app'])).get('app')?.state;
        return state?.status === 'restarting' && state.restartCount >= 4;
      };
      await expect.poll(waits, { timeout: 30_000 }).toBe(true);
      // 20.10 refuses it, newer ones do it: what has become of it is what the container says.
      const refusal = await docker.carryOut([renameStep('app', 'app.previous')]).catch((error: unknown) => error);
      const found = [...(await docker.inspect(['app', 'app.previous'])).keys()];
      expect(found).toEqual([refusal === undefined ? 'app.previous' : 'app']);
      const [name, to] =
        refusal === undefined ? (['app.previous', 'app'] as const) : (['app', 'app.previous'] as const);
      await docker.carryOut([updateStep(name, ['--restart', 'no']), stopStep(name, 1000)]);
      await docker.carryOut([renameStep(name, to)]);
      await docker.remove(to);
    });
  },
  { hosts: 1 },
);
