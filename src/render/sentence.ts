import type { HostResult } from '../events/event.ts';
import type { RunState } from '../events/run-state.ts';
import { formatDuration } from '../model/duration.ts';
import { count } from '../model/count.ts';
import { formatHosts } from './host-list.ts';
import { derivedResult, formatResultCounts } from './summary.ts';

/** What became of a run, in one sentence: for whoever has read nothing else. */
export function outcomeSentence(state: RunState): string {
  const { outcome, error, paused, failures } = state;
  const took = formatDuration(state.durationMs ?? state.lastAtMs - state.startedAtMs);
  const results = resultsOf(state);
  const changed = results.get('updated') ?? [];
  const all = state.hosts.size;
  const ofAll = `${changed.length} of ${count(all, 'host')}`;
  if (outcome === undefined) return `The run was cut off after ${took}, or still goes on: ${standing(results)}.`;
  switch (outcome) {
    case 'changed': {
      const others = [...results].filter(([result]) => result !== 'updated');
      const rest =
        others.length === 0
          ? ''
          : `; ${formatResultCounts(new Map(others.map(([result, of]) => [result, of.length])))}`;
      if (changed.length === 0) return `The run did its work in ${took}${rest}.`;
      const whom =
        changed.length === all
          ? all === 1
            ? `${formatHosts(changed)} was`
            : `All ${all} hosts were`
          : `${ofAll} ${changed.length === 1 ? 'was' : 'were'}`;
      return `${whom} ${doneWord(state)} in ${took}${rest}.`;
    }
    case 'unchanged':
      return `${all === 1 ? 'The host is' : `All ${all} hosts are`} as wanted: nothing was touched.`;
    case 'paused':
      return `Paused after ${ofAll}: ${paused?.reason ?? 'it was asked to'}.`;
    case 'interrupted':
      return `Interrupted after ${took}: ${ofAll} ${changed.length === 1 ? 'is' : 'are'} updated, every node under way was finished or put back.`;
    case 'rolled_back':
      return `${whyItFailed(state)}. What this run had changed was put back, and serves what it ran before.`;
    case 'failed': {
      if (
        failures.length > 0 ||
        state.plays.some(({ verdicts }) => verdicts.some(({ verdict }) => verdict === 'failed'))
      )
        return `${whyItFailed(state)}. ${upperFirst(standing(results))} in the end.`;
      if (error !== undefined) return `Nothing was touched: ${withoutRepetition(error.message)}.`;
      const away = results.get('unreachable') ?? [];
      return away.length > 0
        ? `${formatHosts(away, 3)} ${away.length === 1 ? 'was' : 'were'} unreachable. ${upperFirst(standing(results))} in the end.`
        : `The run failed after ${took}: ${standing(results)}.`;
    }
  }
}

const doneWord = ({ command }: RunState): string => (command === 'rollback' ? 'put back' : 'updated');

function resultsOf(state: RunState): ReadonlyMap<HostResult, readonly string[]> {
  const results = new Map<HostResult, string[]>();
  for (const host of state.hosts.values()) {
    const result = host.result ?? derivedResult(host);
    const names = results.get(result) ?? [];
    names.push(host.host);
    results.set(result, names);
  }
  return results;
}

function standing(results: ReadonlyMap<HostResult, readonly string[]>): string {
  return formatResultCounts(new Map([...results].map(([result, hosts]) => [result, hosts.length])));
}

/** The first failure, and how many there are; else the verdict that the run ended by. */
function whyItFailed({ failures, plays }: RunState): string {
  const [first] = failures;
  if (first !== undefined) {
    const { host, failure } = first;
    const hosts = new Set(failures.map((each) => each.host)).size;
    const others = hosts === 1 ? '' : ` (and ${hosts - 1} more failed)`;
    return `${host} failed at ${failure.op.text}${others}: ${withoutStop(failure.message)}`;
  }
  const verdict = plays.flatMap(({ verdicts }) => verdicts).findLast((each) => each.verdict === 'failed');
  if (verdict === undefined) return 'The run failed';
  return `What was updated (${formatHosts(verdict.hosts, 3)}) failed on real traffic: ${withoutStop(verdict.reason)}`;
}

const withoutRepetition = (message: string): string => withoutStop(message.replace(/[;,] nothing was touched\.?$/, ''));
const withoutStop = (text: string): string => text.replace(/\.$/, '');
const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
