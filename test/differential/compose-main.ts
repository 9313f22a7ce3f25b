import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { composeV2 } from '../support/compose-v2.ts';
import { expectedDifference, readComposeCases } from './compose-cases.ts';
import { compareWithCompose } from './compose.ts';

/** Compares every case of test/cases/compose with docker compose, prints what differs and the counts. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { older: { type: 'boolean', default: false } } });
  const program = process.env['COMPOSE'] ?? (await composeV2(values.older ? 'trixie' : 'sid'));
  const { stdout } = await promisify(execFile)(program, ['version', '--short']);
  const counts = { equal: 0, refused: 0, different: 0, wrong: 0 };
  const reasons = new Map<string, number>();
  for (const item of readComposeCases()) {
    const expected = expectedDifference(item, values.older ? 'older' : 'newest');
    const comparison = await compareWithCompose(item, program);
    if ((comparison.verdict === 'different') !== (expected !== undefined)) {
      counts.wrong++;
      console.log(`${item.name}\n${JSON.stringify(comparison, undefined, 2)}`);
      continue;
    }
    counts[comparison.verdict]++;
    if (expected !== undefined) reasons.set(expected, (reasons.get(expected) ?? 0) + 1);
  }
  for (const [reason, count] of reasons) console.log(`on purpose (${count}): ${reason}`);
  const { equal, refused, different, wrong } = counts;
  console.log(
    `docker compose ${stdout.trim()}: ${equal + refused + different + wrong} files; ${equal} mean the same, ${refused} are refused by both, ${different} differ on purpose, ${wrong} are wrong`,
  );
  process.exitCode = wrong === 0 ? 0 : 1;
}

await main();
