import type { ImageRef } from '../../model/image.ts';
import type { RegistryImage } from '../docker/image.ts';

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What a docker config file says for a registry (`127.0.0.1:5000`). */
export type Credentials = (registry: string) => Login | undefined;

/** Where an engine pulls from. */
export interface ImageSource {
  /** The image, or what dockerd says of it. */
  resolve(ref: ImageRef, credentials: Credentials): Promise<{ image: RegistryImage } | { error: string }>;
}
