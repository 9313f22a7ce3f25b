// Measures rollout against bare ssh with docker, and against Ansible, on labs; see bench/README.md.
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { installPrograms } from '../test/lab/support/packages.ts';
import { buildTool } from '../test/support/build.ts';
import { countUpdates } from './counts.ts';
import { describeMachine } from './machine.ts';
import { endMeasured } from './measure.ts';
import { commitHere, readParts, resultsOf, withPart, writeParts, type Finding, type Parts } from './parts.ts';
import { readPaths } from './paths.ts';
import { formatOrigins, formatResults } from './report.ts';
import { goalsOf } from './results.ts';
import { raceOn, raceOverSlowLinks, type Job, type Setting } from './rounds.ts';
import { timeStartUp } from './startup.ts';

const jobs = ['first', 'idle', 'update'] as const satisfies readonly Job[];
const everything = ['startup', 'counts', '8-hosts', '24-hosts', 'latency', 'path'];
const aliases: Readonly<Record<string, readonly string[]>> = {
  latency: ['24-hosts-100ms'],
  path: ['8-hosts-path', '24-hosts-path'],
};

const usage = `npm run bench -- [--only PART,PART…] [--jobs first,idle,update] [--rounds 7] [--minutes 15]
Without --only: all parts. Each is written into bench/RESULTS.md as it ends, beside the others' earlier results.
  --only PARTS      startup, counts, N-hosts, N-hosts-100ms (over links with that round trip), N-hosts-path;
                    latency is 24-hosts-100ms, path is 8-hosts-path and 24-hosts-path
  --jobs JOBS       of a race; over slow links there is no first deploy
  --rounds 7        of a race; every contestant has its turn in each
  --minutes 15      of a part: no further round begins after that
  --add             the rounds are added to those that the results have of this part at the same commit
  --print           nothing is written
  --tool FILE --commit NAME   counts: of a tool that was built from another commit
`;

const options = parseOptions();
if (options === undefined) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else await main(options);

interface Options {
  /** Names of parts, without aliases. */
  readonly parts: readonly string[];
  readonly jobs: readonly Job[];
  readonly rounds: number;
  readonly minutes: number;
  readonly isAdded: boolean;
  readonly isPrinted: boolean;
  readonly tool: string | undefined;
  readonly commit: string | undefined;
}

async function main(options: Options): Promise<void> {
  const startedMs = Date.now();
  const say = (line: string): void =>
    void process.stderr.write(`${((Date.now() - startedMs) / 60_000).toFixed(1).padStart(5)} min  ${line}\n`);
  // ansible-core alone has the program, and not the module.
  const module = '/usr/lib/python3/dist-packages/ansible_collections/community/docker';
  await installPrograms([[module, 'ansible']], say);
  const built = options.tool === undefined ? await buildTool('bench') : undefined;
  const script = built?.script ?? resolve(options.tool ?? '');
  const interrupted = new AbortController();
  const interrupt = (signal: NodeJS.Signals): void => {
    // One Ctrl-C comes several times: from the terminal, and from every program in between.
    if (interrupted.signal.aborted) return;
    say(`${signal}: the lab is being removed`);
    interrupted.abort(new Error('interrupted'));
    endMeasured().catch((error: unknown) => say(String(error)));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  try {
    for (const name of options.parts) {
      say(name);
      const deadlineMs = Date.now() + options.minutes * 60_000;
      await measurePart(name, { script, say, deadlineMs, signal: interrupted.signal }, options);
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    process.exitCode = 130;
  } finally {
    await built?.remove();
  }
}

async function measurePart(name: string, setting: Setting, options: Options): Promise<void> {
  const startedMs = Date.now();
  const finding = await findingOf(name, setting, options);
  const part = {
    finding,
    commit: options.commit ?? (await commitHere()),
    date: new Date(startedMs).toISOString().slice(0, 10),
    minutes: (Date.now() - startedMs) / 60_000,
    machine: await describeMachine(),
  };
  const key = options.commit === undefined ? name : `${name} ${options.commit}`;
  process.stdout.write(`${formatResults(resultsOf({ [name]: part }))}\n`);
  if (!options.isPrinted) {
    const parts = withPart(await readParts(), key, part, options.isAdded);
    await writeParts(parts);
    await writeFile(join(import.meta.dirname, 'RESULTS.md'), pageOf(parts));
  }
  const missed = goalsOf(resultsOf({ [name]: part })).filter(({ isMet }) => !isMet).length;
  const voids = voidsIn(finding);
  process.stderr.write(`${name}: ${missed} goals missed, ${voids} figures void\n`);
  if (voids > 0) process.exitCode = 1;
}

async function findingOf(name: string, setting: Setting, { rounds, jobs: chosen, tool }: Options): Promise<Finding> {
  if (name === 'startup') return { kind: 'startup', startUp: timeStartUp(setting.script, 31) };
  if (name === 'counts') {
    const contestants = tool === undefined ? (['floor', 'rollout'] as const) : (['rollout'] as const);
    return { kind: 'counts', counts: await countUpdates(contestants, setting) };
  }
  const { hosts, roundTripMs, isPath } = fleetOf(name) ?? { hosts: 0, roundTripMs: 0, isPath: false };
  if (isPath) return { kind: 'path', paths: await readPaths(hosts, hosts <= 8 ? ['1', '100%'] : ['100%'], setting) };
  const figures =
    roundTripMs === 0
      ? await raceOn(hosts, chosen, rounds, setting)
      : await raceOverSlowLinks(hosts, roundTripMs, chosen, rounds, setting);
  // What they have said is told for void figures only, and is long.
  return { kind: 'race', race: { hosts, roundTripMs, figures: figures.map((figure) => ({ ...figure, output: '' })) } };
}

/** `24-hosts`, `24-hosts-100ms`, `8-hosts-path`. */
function fleetOf(name: string): { hosts: number; roundTripMs: number; isPath: boolean } | undefined {
  const [, hosts = '', , roundTripMs = '0', path] = /^([1-9]\d*)-hosts(-([1-9]\d*)ms|-(path))?$/.exec(name) ?? [];
  return hosts === ''
    ? undefined
    : { hosts: Number(hosts), roundTripMs: Number(roundTripMs), isPath: path !== undefined };
}

function voidsIn(finding: Finding): number {
  const faults =
    finding.kind === 'race'
      ? finding.race.figures.map((figure) => figure.faults)
      : finding.kind === 'path'
        ? finding.paths.map((path) => path.faults)
        : [];
  return faults.filter(({ length }) => length > 0).length;
}

function pageOf(parts: Parts): string {
  return `# Results\n\nWritten by \`npm run bench\`; what the words mean is in [README.md](README.md).\n\n${formatOrigins(parts)}\n\n${formatResults(resultsOf(parts))}`;
}

function parseOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: everything.join(',') },
      jobs: { type: 'string', default: jobs.join(',') },
      rounds: { type: 'string', default: '7' },
      minutes: { type: 'string', default: '15' },
      add: { type: 'boolean', default: false },
      print: { type: 'boolean', default: false },
      tool: { type: 'string' },
      commit: { type: 'string' },
    },
  });
  const parts = values.only.split(',').flatMap((name) => aliases[name] ?? [name]);
  const areKnown = parts.every((name) => name === 'startup' || name === 'counts' || fleetOf(name) !== undefined);
  const chosen = jobs.filter((job) => values.jobs.split(',').includes(job));
  const [rounds, minutes] = [Number(values.rounds), Number(values.minutes)];
  const areNumbers = Number.isInteger(rounds) && rounds >= 1 && minutes >= 0;
  const isOfAnother = values.tool !== undefined || values.commit !== undefined;
  const isRight = areKnown && areNumbers && chosen.length > 0 && positionals.length === 0;
  if (
    !isRight ||
    (isOfAnother && (values.tool === undefined || values.commit === undefined || parts.join() !== 'counts'))
  )
    return undefined;
  return {
    parts,
    jobs: chosen,
    rounds,
    minutes,
    isAdded: values.add,
    isPrinted: values.print,
    tool: values.tool,
    commit: values.commit,
  };
}
