#!/usr/bin/env node
// Loads nothing but the little that has to be there before everything else.
import { dieCleanlyOnSignals } from '../boot/early-signals.ts';

declare const __ROLLOUT_VERSION__: string;

dieCleanlyOnSignals();
const [, , ...args] = process.argv;
if (args.length === 1 && args[0] === '--version') process.stdout.write(`${__ROLLOUT_VERSION__}\n`);
else void import('./start.ts').then(({ start }) => start(args));
