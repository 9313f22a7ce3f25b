import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { composeV2 } from '../support/compose-v2.ts';
import { readComposeCases } from './compose-cases.ts';
import { compareWithCompose } from './compose.ts';

/** Compares every case of test/cases/compose with docker compose, prints what differs and the counts. */
async function main(): Promise<void> {
  const program = process.env['COMPOSE'] ?? (await composeV2('sid'));
  const { stdout } = await promisify(execFile)(program, ['version', '--short']);
  const counts = { equal: 0, refused: 0, onPurpose: 0, wrong: 0 };
  const reasons = new Map<string, number>();
  for (const item of readComposeCases()) {
    const comparison = await compareWithCompose(item, program);
    if (comparison.verdict !== 'different' && item.differs === undefined) counts[comparison.verdict]++;
    else if (comparison.verdict === 'different' && item.differs !== undefined) {
      counts.onPurpose++;
      reasons.set(item.differs, (reasons.get(item.differs) ?? 0) + 1);
    } else {
      counts.wrong++;
      console.log(`${item.name}\n${JSON.stringify(comparison, undefined, 2)}`);
    }
  }
  for (const [reason, count] of reasons) console.log(`on purpose (${count}): ${reason}`);
  const { equal, refused, onPurpose, wrong } = counts;
  console.log(
    `docker compose ${stdout.trim()}: ${equal + refused + onPurpose + wrong} files; ${equal} mean the same, ${refused} are refused by both, ${onPurpose} differ on purpose, ${wrong} are wrong`,
  );
  process.exitCode = wrong === 0 ? 0 : 1;
}

await main();
