import { graphDriver } from './graph-driver.ts';
import { layerDigest } from './image.ts';
import type { StoredImage } from './image-store.ts';
import type { JsonObject } from './spec.ts';

/** As `docker image inspect` prints it. */
export function imageDocument({ image, repoTags, repoDigests }: StoredImage): JsonObject {
  const config = { ...emptyImageConfig, ...pickConfig(image.config) };
  return {
    Id: image.configDigest,
    RepoTags: [...repoTags],
    RepoDigests: [...repoDigests],
    Parent: '',
    Comment: '',
    Created: image.createdAt,
    Container: '',
    ContainerConfig: emptyImageConfig,
    DockerVersion: '20.10.24+dfsg1',
    Author: '',
    Config: config,
    Architecture: 'amd64',
    Os: 'linux',
    Size: imageBytes,
    VirtualSize: imageBytes,
    GraphDriver: graphDriver(image.configDigest.slice('sha256:'.length)),
    RootFS: { Type: 'layers', Layers: [layerDigest] },
    Metadata: { LastTagTime: image.createdAt },
  };
}

const imageBytes = 1_982_277;
const emptyImageConfig: JsonObject = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

function pickConfig(config: StoredImage['image']['config']): JsonObject {
  return {
    Env: config.Env,
    Cmd: config.Cmd,
    Entrypoint: config.Entrypoint,
    Labels: config.Labels,
    ...(Object.keys(config.Volumes).length === 0 ? {} : { Volumes: config.Volumes }),
    ...(Object.keys(config.ExposedPorts).length === 0 ? {} : { ExposedPorts: config.ExposedPorts }),
  };
}
