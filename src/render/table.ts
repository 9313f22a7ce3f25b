import { displayWidth, padEnd } from './width.ts';

/** Rows in columns as wide as their widest cell, the last one as it is; without a line end at its end. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const most = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: most - 1 }, (_, column) =>
    Math.max(...rows.map((row) => displayWidth(row[column] ?? ''))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => padEnd(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
