import { isUbuntu } from '../../support/distributions.ts';
import { subnet, type LabSettings } from './layout.ts';

/** What a host's dockerd is told in whatever way it is started. */
export const dockerdOptions = ({ network, system }: LabSettings): readonly string[] => [
  `--insecure-registry=${subnet(network)}`,
  '--log-level=warn',
  // The containerd store is no storage driver: it is a feature of daemon.json.
  ...(system.store === 'overlay2' ? ['--storage-driver=overlay2'] : []),
];

/** A new host's daemon.json. */
export const daemonJson = ({ system }: LabSettings): string =>
  `${JSON.stringify(system.store === 'containerd' ? { features: { 'containerd-snapshotter': true } } : {})}\n`;

/** For containerd under systemd: without what only Kubernetes uses, as in docker's own packages. */
export const containerdConfig = `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime", "io.containerd.cri.v1.images"]
`;

/** Lays the lab's options over the distribution's docker.service, and lets it be restarted as often as tests kill it. */
export const dockerService = (lab: LabSettings): string => `[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=
ExecStart=${dockerdOf(lab)} -H fd:// --containerd=/run/containerd/containerd.sock ${dockerdOptions(lab).join(' ')}
Restart=always
RestartSec=1
StandardOutput=append:/var/log/dockerd.log
StandardError=append:/var/log/dockerd.log
`;

const dockerdOf = ({ system: { release } }: LabSettings): string =>
  release !== 'machine' && isUbuntu(release) ? '/usr/bin/dockerd' : '/usr/sbin/dockerd';
