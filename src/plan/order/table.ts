import type { OrderName } from '../../model/strategy.ts';
import type { ReplacementOrder } from './order.ts';
import { stopFirst } from './stop-first/stop-first.ts';

const orders: Readonly<Record<OrderName, ReplacementOrder>> = { 'stop-first': stopFirst };

/** The order of a play; stop-first where it names none. */
export function orderOf({ order = 'stop-first' }: { readonly order?: OrderName }): ReplacementOrder {
  return orders[order];
}
