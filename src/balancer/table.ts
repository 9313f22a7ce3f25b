import * as z from 'zod';
import type { BalancerKind } from './kind.ts';
import { commandBalancer } from './kinds/command.ts';
import { haproxyBalancer } from './kinds/haproxy.ts';
import { httpBalancer } from './kinds/http.ts';

const kinds: readonly [BalancerKind, ...BalancerKind[]] = [haproxyBalancer, httpBalancer, commandBalancer];

export const balancerKinds: ReadonlyMap<string, BalancerKind> = new Map(kinds.map((kind) => [kind.type, kind]));

const noBalancer = z.strictObject({ type: z.literal('none') });
const names = kinds.map(({ type }) => type).join(', ');

const [first, ...others] = kinds;
export const loadBalancerSchema = z.discriminatedUnion(
  'type',
  [first.schema, ...others.map(({ schema }) => schema), noBalancer],
  {
    error: `must be a mapping with type: ${names} or none`,
  },
);
