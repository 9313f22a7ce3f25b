import * as z from 'zod';
import type { ServiceKey } from './key.ts';
import { blkioKey } from './keys/blkio.ts';
import { deployKey } from './keys/deploy.ts';
import { environmentKeys } from './keys/environment.ts';
import { fileKeys } from './keys/files.ts';
import { gpusKey } from './keys/gpus.ts';
import { identityKeys } from './keys/identity.ts';
import { imageKeys } from './keys/image.ts';
import { isolationKeys } from './keys/isolation.ts';
import { lifecycleKeys } from './keys/lifecycle.ts';
import { limitKeys } from './keys/limits.ts';
import { loggingKey } from './keys/logging.ts';
import { mountKeys } from './keys/mounts.ts';
import { networkKeys } from './keys/networks.ts';
import { portKeys } from './keys/ports.ts';
import { processKeys } from './keys/process.ts';

/** Every key of a service. The order is that of the reference page and of the options of `docker create`. */
export const serviceKeys: readonly ServiceKey[] = [
  ...imageKeys,
  ...processKeys,
  ...environmentKeys,
  ...portKeys,
  ...networkKeys,
  ...identityKeys,
  ...mountKeys,
  ...fileKeys,
  ...limitKeys,
  blkioKey,
  ...isolationKeys,
  gpusKey,
  loggingKey,
  ...lifecycleKeys,
  deployKey,
];

/** The entry of each key. */
export const serviceKey: ReadonlyMap<string, ServiceKey> = new Map(serviceKeys.map((key) => [key.name, key]));

/** A service as it may be written, for JSON Schema: strict but for `x-…`. {@link parseService} words the errors. */
export const serviceSchema = () =>
  z
    .looseObject(Object.fromEntries(serviceKeys.map(({ name, doc, schema }) => [name, schema.describe(doc).nullish()])))
    .meta({ additionalProperties: false, patternProperties: { '^x-': {} } });
