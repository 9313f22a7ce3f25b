import { pathText, problemIn, type Part } from '../document.ts';
import { show } from '../../schema/show.ts';
import { TemplateFailure } from '../template/failure.ts';
import type { Scope } from '../template/scope.ts';

/** The host's name in the backend. @throws TemplateFailure */
export function serverName(server: Part, scope: Scope): string {
  const value = scope.render(server.value, { place: server.place, path: pathText(server.path) });
  if (typeof value === 'string' && value !== '') return value;
  throw new TemplateFailure([problemIn(server, [], `must give the node's name in the backend; got ${show(value)}`)]);
}

/** The name of the zone that the host is in. @throws TemplateFailure */
export function zoneName(zone: Part, scope: Scope): string {
  const value = scope.render(zone.value, { place: zone.place, path: pathText(zone.path) });
  if ((typeof value === 'string' && value.trim() !== '') || typeof value === 'number') return String(value).trim();
  throw new TemplateFailure([problemIn(zone, [], `must give the name of the host's zone; got ${show(value)}`)]);
}
