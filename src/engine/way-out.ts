import { leaveNoteSteps, removeNoteCommand } from '../docker/note-steps.ts';
import { startStep, stopStep, updateStep } from '../docker/steps.ts';
import { DockerError } from '../docker/errors.ts';
import { hasGate } from '../model/play.ts';
import type { Op } from '../plan/plan.ts';
import type { RunContext } from './context.ts';
import { neighbourNames } from './neighbours.ts';
import type { Node } from './node.ts';

type OpOf<Kind extends Op['kind']> = Extract<Op, { kind: Kind }>;

/** How the nodes of a play leave rotation and come back. One more way is one more module like those below, chosen in `wayOutOf`. */
export interface WayOut {
  /** Makes the balancer turn away from the node. The wait for that, and for its open sessions, goes on beside it. */
  leave(op: OpOf<'drain'>, node: Node, context: RunContext): Promise<void>;
  /** Makes the balancer turn to the node again. The wait for it to show the node UP comes afterwards. */
  enter(op: OpOf<'admit'>, node: Node, context: RunContext): Promise<void>;
  /** The wait for its sessions, meanwhile it serves; undefined where there is nothing to wait for. */
  readonly drain?: DrainWait;
}

export interface DrainWait {
  /** How long to wait where nobody can be asked for sessions. */
  unseenMs(op: OpOf<'drain'>, node: Node): number;
  /** What to say of a server that is UP in spite of it: `still UP 30s after …`. */
  readonly whenStillUp: { readonly after: string; hint(server: string): string };
}

/** By the health container where the play names one, its own or not, else by the stop of what serves. */
export function wayOutOf(node: Node): WayOut {
  return hasGate(node.tier.play) ? byHealthContainer : byItsServices;
}

/** It has nothing to finish: it only answers checks. */
const healthGraceMs = 5000;

/** Its health container stops, and the balancer's check fails. With restart `no` a host that reboots half way stays out. */
const byHealthContainer: WayOut = {
  async leave(op, node, context) {
    const { container, note } = op;
    if (container === undefined) return;
    const steps = [
      ...(note === undefined ? [] : leaveNoteSteps(container, { ...note, ran: neighbourNames(node) })),
      updateStep(container, ['--restart', 'no']),
      stopStep(container, healthGraceMs),
    ];
    const limitMs = steps.reduce((sumMs, { timeoutMs }) => sumMs + timeoutMs, 0);
    using _wait = context.heartbeat.wait(node.name, { message: `docker stop ${container} to end`, limitMs });
    await node.session.docker.carryOut(steps);
  },
  async enter(op, node, context) {
    const { container, policy } = op;
    if (container === undefined) return;
    const { docker } = node.session;
    const setPolicy = updateStep(container, ['--restart', policy]);
    const start = startStep(container);
    let done = 0;
    try {
      // Its policy last: the balancer's check is waited for anyway, and cut off in between it is let in a second time.
      // One of another play has nobody who would do that.
      const steps = op.isBorrowed === true ? [setPolicy, start] : [start, setPolicy];
      await docker.carryOut(steps, { onDone: (index) => (done = index + 1) });
    } catch (error) {
      if (!(error instanceof DockerError && error.kind === 'no_space')) throw error;
      if (op.isBorrowed === true) await docker.carryOut([start]);
      else if (done === 0) throw error;
      // Without its policy it lets the node in all the same.
      const message = `the disk is full: ${container} runs, but has restart no. Make room, then: docker update --restart ${policy} ${container}`;
      context.emit({ type: 'warning', host: node.name, message });
    }
    // A note that stays is about an earlier start of the container, and is passed over.
    if (op.isBorrowed === true)
      await docker.run(removeNoteCommand(container)).catch((error: unknown) => {
        if (!(error instanceof DockerError)) throw error;
      });
  },
  drain: {
    // Whoever checks the health container has that long to notice.
    unseenMs: ({ container }, { tier }) => (container === undefined ? 0 : tier.play.strategy.drain.timeoutMs),
    whenStillUp: {
      after: 'its health container was stopped',
      hint: (server) =>
        `Does the balancer's check of ${server} ask the health container? Its interval and fall count must fit into drain.timeout.`,
    },
  },
};

/** Nothing tells the balancer beforehand: the check of the services themselves fails when they stop. */
const byItsServices: WayOut = {
  leave: () => Promise.resolve(),
  enter: () => Promise.resolve(),
};
