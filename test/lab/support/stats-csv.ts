/** The servers of a backend in HAProxy's stats CSV: column name → value. Not the parser of src/, which tests judge by this. */
export function parseServers(csv: string, backend: string): readonly Readonly<Record<string, string>>[] {
  const [header = '', ...rows] = csv.split('\n');
  const names = header.replace(/^# /, '').split(',');
  const servers = rows.map((row) => {
    const cells = row.split(',');
    return Object.fromEntries(names.map((name, column) => [name, cells[column] ?? '']));
  });
  return servers.filter(({ pxname, svname }) => pxname === backend && svname !== 'FRONTEND' && svname !== 'BACKEND');
}
