// Measures rollout against bare ssh with docker, and against Ansible, on labs; see bench/README.md.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { installPrograms } from '../test/lab/support/packages.ts';
import { buildTool } from '../test/support/build.ts';
import { describeMachine } from './machine.ts';
import { endMeasured } from './measure.ts';
import { readPaths } from './paths.ts';
import { formatResults } from './report.ts';
import { goalsOf, type Race, type Results } from './results.ts';
import { raceOn, raceOverSlowLinks, type Job, type Setting } from './rounds.ts';
import { timeStartUp, type StartUp } from './startup.ts';

const sections = ['startup', 'first', 'idle', 'update', 'path', 'latency'] as const;
type Section = (typeof sections)[number];

const usage = `npm run bench -- [${sections.join('|')}]… [--hosts 8,24] [--runs 5] [--latency 100]
Without a section: all of them, and the results are written to bench/RESULTS.md.
  --hosts 8,24      sizes of the fleets; latency takes the largest, path the smallest and the largest
  --runs 5          rounds of each series; every contestant has its turn in each
  --latency 100     milliseconds of round trip; alone it means: the section latency
  --minutes 35      no further round begins after that
  --out FILE        where the results are written as well
`;

const options = parseOptions();
if (options === undefined) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else await main(options);

interface Options {
  readonly sections: readonly Section[];
  readonly hosts: readonly number[];
  readonly runs: number;
  readonly roundTripMs: number;
  readonly minutes: number;
  readonly out: string | undefined;
}

async function main({ sections: wanted, hosts, runs, roundTripMs, minutes, out }: Options): Promise<void> {
  const startedMs = Date.now();
  const say = (line: string): void =>
    void process.stderr.write(`${((Date.now() - startedMs) / 60_000).toFixed(1).padStart(5)} min  ${line}\n`);
  await installPrograms(
    [
      ['ansible-playbook', 'ansible'],
      ['curl', 'curl'],
    ],
    say,
  );
  const tool = await buildTool('bench');
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
    const deadlineMs = startedMs + minutes * 60_000;
    const setting: Setting = { script: tool.script, say, deadlineMs, signal: interrupted.signal };
    let startUp: StartUp | undefined;
    if (wanted.includes('startup')) {
      say('start-up');
      startUp = timeStartUp(tool.script, 31);
    }
    const paths = wanted.includes('path') ? await pathsOf(hosts, setting) : [];
    const jobs = (['first', 'idle', 'update'] as const satisfies readonly Job[]).filter((job) => wanted.includes(job));
    const races: Race[] = [];
    if (wanted.includes('latency')) {
      const most = Math.max(...hosts);
      races.push({ hosts: most, roundTripMs, figures: await raceOverSlowLinks(most, roundTripMs, runs, setting) });
    }
    if (jobs.length > 0) {
      for (const count of hosts)
        races.push({ hosts: count, roundTripMs: 0, figures: await raceOn(count, jobs, runs, setting) });
    }
    await publish({ ...(startUp === undefined ? {} : { startUp }), races, paths }, startedMs, out);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    process.exitCode = 130;
  } finally {
    await tool.remove();
  }
}

async function pathsOf(hosts: readonly number[], setting: Setting): Promise<Results['paths']> {
  const [least, most] = [Math.min(...hosts), Math.max(...hosts)];
  const paths = [...(await readPaths(least, ['1', '100%'], setting))];
  if (most > least) paths.push(...(await readPaths(most, ['100%'], setting)));
  return paths;
}

async function publish(results: Results, startedMs: number, out: string | undefined): Promise<void> {
  const machine = await describeMachine();
  const minutes = ((Date.now() - startedMs) / 60_000).toFixed(0);
  const head = `Taken on ${new Date(startedMs).toISOString().slice(0, 10)} in ${minutes} minutes; what the words mean is in [README.md](README.md).`;
  const page = `# Results\n\n${head}\n\n${machine.map((line) => `- ${line}`).join('\n')}\n\n${formatResults(results)}`;
  process.stdout.write(page);
  if (out !== undefined) await writeFile(out, page);
  const voids = results.races.flatMap(({ figures }) => figures).filter(({ faults }) => faults.length > 0);
  const missed = goalsOf(results).filter(({ isMet }) => !isMet);
  process.stderr.write(`\n${missed.length} goals missed, ${voids.length} figures void\n`);
  if (voids.length > 0 || results.paths.some(({ faults }) => faults.length > 0)) process.exitCode = 1;
}

function parseOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      hosts: { type: 'string', default: '8,24' },
      runs: { type: 'string', default: '5' },
      latency: { type: 'string' },
      minutes: { type: 'string', default: '35' },
      out: { type: 'string' },
    },
  });
  const isSection = (word: string): word is Section => sections.some((section) => section === word);
  const named = positionals.filter(isSection);
  const hosts = values.hosts.split(',').map(Number);
  const numbers = [...hosts, Number(values.runs), Number(values.latency ?? '100'), Number(values.minutes)];
  if (named.length < positionals.length || !numbers.every((number) => Number.isFinite(number) && number >= 1))
    return undefined;
  const isWhole = named.length === 0 && values.latency === undefined;
  const chosen = named.length > 0 ? named : isWhole ? sections : (['latency'] as const);
  return {
    sections: chosen,
    hosts,
    runs: Number(values.runs),
    roundTripMs: Number(values.latency ?? '100'),
    minutes: Number(values.minutes),
    out: values.out ?? (isWhole ? join(import.meta.dirname, 'RESULTS.md') : undefined),
  };
}
