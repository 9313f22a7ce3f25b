#!/usr/bin/env node
declare const __ROLLOUT_VERSION__: string;
console.log(__ROLLOUT_VERSION__);
