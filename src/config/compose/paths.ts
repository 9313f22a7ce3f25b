import { isAbsolute, join, relative } from 'node:path';
import type { Value } from '../../model/host.ts';
import { isMapping } from '../document.ts';
import { itemsIn, listOf } from './tree.ts';
import { mapEntries } from './unique.ts';

/** A service's paths at the controller, written relative to one folder, as they read from another one. */
export function rebaseService(service: Value, from: string, to: string): Value {
  if (from === to) return service;
  return mapEntries(service, (value, key) => {
    if (key === 'env_file' || key === 'label_file') return rebaseFiles(value, from, to);
    return key === 'configs' ? mapItems(value, (item) => rebaseField(item, 'file', from, to)) : value;
  });
}

/** The same for a whole Compose file. */
export function rebaseModel(model: Value, from: string, to: string): Value {
  return mapEntries(model, (section, key) => {
    if (key === 'services') return mapEntries(section, (service) => rebaseService(service, from, to));
    return key === 'configs' ? mapEntries(section, (config) => rebaseField(config, 'file', from, to)) : section;
  });
}

function rebaseFiles(value: Value, from: string, to: string): Value {
  if (typeof value === 'string') return rebasePath(value, from, to);
  return mapItems(value, (item) =>
    typeof item === 'string' ? rebasePath(item, from, to) : rebaseField(item, 'path', from, to),
  );
}

function rebaseField(value: Value, field: string, from: string, to: string): Value {
  if (!isMapping(value)) return value;
  return mapEntries(value, (item, key) =>
    key === field && typeof item === 'string' ? rebasePath(item, from, to) : item,
  );
}

function rebasePath(path: string, from: string, to: string): string {
  if (path === '' || path === '~' || path.startsWith('~/') || isAbsolute(path)) return path;
  return relative(to, join(from, path));
}

function mapItems(list: Value, change: (item: Value) => Value): Value {
  return Array.isArray(list) ? listOf(itemsIn(list).map((entry) => ({ ...entry, value: change(entry.value) }))) : list;
}
