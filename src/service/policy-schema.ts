import * as z from 'zod';
import { flag, text } from './values.ts';

const names = (what: string) => z.array(text, { error: `must be a list of ${what}` });

/** A path of a host, as it is compared: absolute, without `.`, `..` and doubled slashes, `/var/run` as `/run`. */
const hostPath = text.transform((written, context) => {
  if (written.startsWith('/')) return cleanHostPath(written);
  context.addIssue({ code: 'custom', message: 'must be an absolute path of the host' });
  return z.NEVER;
});
const hostPaths = z.array(hostPath, { error: 'must be a list of absolute paths' });

export const namespaceNames = ['network', 'pid', 'ipc', 'uts', 'userns', 'cgroup'] as const;

const image = text.transform((written, context) => {
  const known = /^[A-Za-z0-9.-]+(?::\d+)?(?:\/[a-z0-9._/-]+)?\/?$/.exec(written);
  if (known !== null) return wholeName(written.replace(/\/+$/, ''));
  context.addIssue({
    code: 'custom',
    message: 'must be a registry or a repository, as registry.example.com/shop, without tag and digest',
  });
  return z.NEVER;
});

/** What a service may have. A rule that is not written allows everything. */
export const policySchema = z.strictObject(
  {
    privileged: flag.optional().describe('false: no privileged containers.'),
    host_namespaces: z
      .array(z.enum(namespaceNames, { error: `must be ${namespaceNames.slice(0, -1).join(', ')} or cgroup` }), {
        error: 'must be a list of namespaces',
      })
      .optional()
      .describe(
        "The host's namespaces that a container may share: network, pid, ipc, uts, userns, cgroup; [] for none.",
      ),
    host_mounts: z
      .strictObject(
        {
          allow: hostPaths.optional().describe('Only these paths, and what is below them; [] for none.'),
          deny: hostPaths.optional().describe('Not these paths, what is below them, or what contains them.'),
        },
        { error: 'must be a mapping with allow and deny' },
      )
      .optional()
      .describe('Paths of the host that a container may mount, also through a volume of the local driver.'),
    devices: hostPaths
      .optional()
      .describe(
        'Devices of the host that a container may have, by path; [] for none. Rules of the device cgroup are then forbidden.',
      ),
    gpus: flag.optional().describe('false: no graphics processors.'),
    unconfined: flag
      .optional()
      .describe('false: security_opt must not switch seccomp, AppArmor, SELinux or the masking of /proc and /sys off.'),
    images: z
      .array(image, { error: 'must be a list of registries and repositories' })
      .optional()
      .describe('Registries and repositories that images may come from, as registry.example.com/shop.'),
    tags_without_digest: flag
      .optional()
      .describe('false: every image has a digest, where it is written or in the composition.'),
    root: flag.optional().describe('false: user must be set, and not to root.'),
    allow_image_user: flag.optional().describe('With root: false, a service without user runs as its image says.'),
    capabilities: names('capabilities')
      .transform((list) => list.map((name) => name.toUpperCase().replace(/^CAP_/, '')))
      .optional()
      .describe('What cap_add may add; [] for nothing.'),
    ports_on_all_interfaces: flag.optional().describe('false: every published port names the address it is bound to.'),
  },
  { error: 'must be a mapping of rules' },
);

export type Policy = z.output<typeof policySchema>;

/** Docker's rule: a first component with a dot or a port, or `localhost`, is a registry; all else is on docker.io. */
function wholeName(written: string): string {
  const [first = '', ...rest] = written.split('/');
  if (first === 'localhost' || /[.:]/.test(first)) return written;
  return rest.length === 0 ? `docker.io/library/${written}` : `docker.io/${written}`;
}

/** The same path for every way to write it that can be told without the host. */
export function cleanHostPath(written: string): string {
  const steps: string[] = [];
  for (const step of written.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  // /var/run is a link to /run on every system with systemd: docker.sock has both names.
  if (steps[0] === 'var' && steps[1] === 'run') steps.shift();
  return `/${steps.join('/')}`;
}
