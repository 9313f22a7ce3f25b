import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { engines, engineSuites, type Engine } from './engines.ts';
import { rootOf, type HostSystem } from './system.ts';

interface Row {
  passed: number;
  failed: number;
  skipped: number;
}

/** At the end of a run, a line for each docker that it ran on: how many tests passed, failed and were skipped there. */
export default class EngineTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = new Map<Engine, Row>();
    for (const module of modules) {
      const engine = engineOf(module);
      if (engine === undefined) continue;
      const row = rows.get(engine) ?? { passed: 0, failed: 0, skipped: 0 };
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        // What was not run because its suite could not be set up has failed with it.
        if (state === 'pending' || (state === 'skipped' && hasFailed(module))) row.failed += 1;
        else row[state] += 1;
      }
      if (module.children.size === 0 && hasFailed(module)) row.failed += 1;
      rows.set(engine, row);
    }
    if (rows.size > 0) process.stdout.write(`\n${format(rows)}\n`);
  }
}

/** A file or a suite of it that failed outside its tests. */
function hasFailed(module: TestModule): boolean {
  if (module.errors().length > 0) return true;
  return [...module.children.allSuites()].some((suite) => suite.errors().length > 0);
}

/** The suites that all dockers have in common also run on the machine's own, in the project of the lab. */
function engineOf({ project, moduleId }: TestModule): Engine | undefined {
  const machine = project.name === 'lab' && engineSuites.includes(basename(moduleId, '.test.ts'));
  return engines.find((engine) => (machine ? engine.system.release === 'machine' : engine.project === project.name));
}

function format(rows: ReadonlyMap<Engine, Row>): string {
  const cells = [...rows].map(([{ system }, { passed, failed, skipped }]) => [
    versionOf(system),
    system.store,
    system.init === 'systemd' ? 'v2, systemd' : 'the machine’s',
    ...[passed, failed, skipped].map(String),
  ]);
  const head = ['docker', 'image store', 'cgroups', 'passed', 'failed', 'skipped'];
  const widths = head.map((title, column) =>
    Math.max(...[head, ...cells].map((row) => row[column]?.length ?? title.length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

/** `28.5.2`; the release's name where it cannot be told. */
function versionOf({ release }: HostSystem): string {
  if (release === 'machine')
    return /\d[\d.]+/.exec(spawnSync('dockerd', ['--version']).stdout.toString())?.[0] ?? release;
  try {
    const status = readFileSync(join(rootOf(release), 'var/lib/dpkg/status'), 'utf8');
    return /^Package: docker\.io\n(?:.+\n)*?Version: (\d[\d.]+)/m.exec(status)?.[1] ?? release;
  } catch {
    return release;
  }
}
