import * as z from 'zod';
import { flag, must, text, wholeNumber } from '../../schema/values.ts';
import { accessCommands, accessParams, differsInAccess } from '../access.ts';
import { assertDone, carryOut } from '../apply.ts';
import { done, failed, taskModule, type Result, type TaskHost, type Verdict } from '../module.ts';
import type { Found, PathFacts, Query } from '../query.ts';
import { folderOf, nameOf } from './files.ts';
import { headersParam, reveal, webLoginParams } from './uri.ts';

const algorithms = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'] as const;
const checksum = text
  .refine((value) => new RegExp(`^(?:${algorithms.join('|')}):[0-9a-fA-F]{32,128}$`).test(value), {
    error: 'must be an algorithm and a sum, as sha256:2cf24d…; the address of a file of sums is not supported',
  })
  .transform((value) => {
    const [algorithm = '', sum = ''] = value.split(':');
    return { algorithm, sum: sum.toLowerCase() };
  });

const schema = () =>
  z.strictObject(
    {
      url: text
        .refine((value) => /^(?:https?|ftp|file):\/\/\S+$/.test(value) && URL.canParse(value), must('a URL'))
        .describe('Where it comes from, as the host knows it.'),
      dest: text.describe('The file on the host, or a folder that is there.'),
      checksum: checksum.optional().describe('As sha256:…; a file with another is fetched anew.'),
      force: flag.default(false).describe('It is fetched at every run, and changed where it differs.'),
      headers: headersParam.default({}).describe('Of the request; a value may be a secret.'),
      timeout: wholeNumber.default(10).describe('Seconds without an answer or a byte after which it is given up.'),
      ...webLoginParams,
      backup: flag.default(false).describe('Keep what it replaces beside it.'),
      ...accessParams,
    },
    must('a mapping with url and dest'),
  );
type Params = z.output<ReturnType<typeof schema>>;

export const getUrlModule = taskModule({
  name: 'get_url',
  doc: 'A file from the web on the host, which fetches it itself: with curl, or with wget. Written beside its place and renamed. Where it is there, it is fetched anew only for another checksum, or with force.',
  secrets: ['url_password', 'headers'],
  schema,
  observe: (params) => candidates(params).flatMap((dest) => queriesOf(params, dest)),
  plan: (params, found) => planGet(params, found),
});

/** The destination, and the file in it where it is a folder. */
function candidates({ dest, url }: Params): readonly string[] {
  const own = dest.replace(/(?<=.)\/+$/, '');
  const name = nameOf(new URL(url).pathname);
  return name === '' ? [own] : [own, `${own === '/' ? '' : own}/${decodeURIComponent(name)}`];
}

function queriesOf({ checksum: wanted }: Params, dest: string): readonly Query[] {
  return [
    { kind: 'path', path: dest, follow: true },
    { kind: 'path', path: folderOf(dest), follow: true },
    ...(wanted === undefined ? [] : [sumOf(wanted.algorithm, dest)]),
  ];
}

const sumOf = (algorithm: string, path: string): Query & { readonly kind: 'command' } => ({
  kind: 'command',
  argv: [`${algorithm}sum`, '--', path],
});

function planGet(params: Params, found: Found): Verdict {
  const [own = '', inside] = candidates(params);
  const isFolder = found.path({ path: own, follow: true })?.type === 'directory';
  if (isFolder && inside === undefined) return failed(`${own} is a folder, and the URL ends without a name`);
  const dest = isFolder ? (inside ?? own) : own;
  const there = found.path({ path: dest, follow: true });
  if (there?.type === 'directory') return failed(`${dest} is a directory`, { dest });
  if (there === undefined && found.path({ path: folderOf(dest), follow: true })?.type !== 'directory')
    return failed(`Destination ${folderOf(dest)} does not exist`, { dest });
  const { checksum: wanted, url } = params;
  const sum = wanted === undefined ? undefined : found.command(sumOf(wanted.algorithm, dest).argv);
  const isSame = wanted !== undefined && sum?.exitCode === 0 && sum.stdout.replace(/^\\/, '').startsWith(wanted.sum);
  const result: Result = { dest, url };
  const isKept = there !== undefined && (wanted === undefined ? !params.force : isSame);
  if (isKept) return withAccess(params, dest, there, { ...result, msg: 'file already exists' });
  const apply = (host: TaskHost): Promise<Result> => fetchFile(params, dest, host);
  if (there !== undefined && wanted === undefined)
    return { kind: 'act', why: 'whether it differs shows when it has been fetched', result, apply };
  return { kind: 'change', result, apply };
}

function withAccess(params: Params, dest: string, there: PathFacts, result: Result): Verdict {
  if (!differsInAccess(params, there)) return done({ changed: false, ...result });
  return {
    kind: 'change',
    result,
    apply: (host) => carryOut(host, accessCommands(dest, params)).then(() => ({})),
  };
}

async function fetchFile(params: Params, dest: string, host: TaskHost): Promise<Result> {
  const { url, checksum: wanted, timeout, validate_certs: isVerified, backup } = params;
  const argv = [
    ...['sh', '-c', getScript, 'rollout-get', url, dest, String(timeout), isVerified ? '' : 'insecure'],
    ...[backup ? 'backup' : '', wanted?.algorithm ?? '', wanted?.sum ?? ''],
  ];
  const answer = await host.run(argv, { stdin: requestLines(params) });
  assertDone(answer);
  const kept = /^backup (.*)$/m.exec(answer.stdout)?.[1];
  const found = (await host.read([{ kind: 'path', path: dest, follow: true }])).path({ path: dest, follow: true });
  const isOther = found !== undefined && differsInAccess(params, found);
  if (isOther) await carryOut(host, accessCommands(dest, params));
  return {
    changed: /^new$/m.test(answer.stdout) || isOther,
    msg: 'OK',
    ...(kept === undefined ? {} : { backup_file: kept }),
  };
}

/** Lines `header NAME: VALUE` and `user NAME:PASSWORD`: through stdin, since they may be secrets. */
function requestLines({ headers, url_username: user, url_password: password }: Params): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${reveal(value)}`);
  if (user !== undefined)
    lines.push(
      `Authorization: Basic ${Buffer.from(`${user}:${password === undefined ? '' : reveal(password)}`).toString('base64')}`,
    );
  for (const line of lines) if (/[\r\n]/.test(line)) throw new Error('a header has a line break in it');
  return lines.map((line) => `${line}\n`).join('');
}

/** URL DEST SECONDS INSECURE BACKUP ALGORITHM SUM, headers on stdin; prints `new` where the file has changed. */
const getScript = `
url=$1 dest=$2 seconds=$3 insecure=$4 backup=$5 algorithm=$6 sum=$7
usual=$(printf '%o' "$((0666 & ~0$(umask)))")
umask 077
new=$(mktemp "$(dirname -- "$dest")/.rollout.XXXXXXXX") || exit
conf=$(mktemp) || exit
trap 'rm -f -- "$new" "$conf"' EXIT
if command -v curl >/dev/null 2>&1; then
  while IFS= read -r line; do
    printf 'header = "%s"\\n' "$(printf '%s' "$line" | sed 's/[\\\\"]/\\\\&/g')"
  done > "$conf"
  curl -fsSL --connect-timeout "$seconds" --speed-limit 1 --speed-time "$seconds" \${insecure:+-k} -K "$conf" -o "$new" --url "$url" || exit
elif command -v wget >/dev/null 2>&1; then
  while IFS= read -r line; do printf 'header = %s\\n' "$line"; done > "$conf"
  WGETRC=$conf wget -q -T "$seconds" -t 1 \${insecure:+--no-check-certificate} -O "$new" "$url" || { code=$?; echo "wget ended with exit code $code" >&2; exit "$code"; }
else
  echo 'the host has neither curl nor wget: install one, or bring the file with copy' >&2
  exit 1
fi
if [ -n "$sum" ]; then
  found=$("\${algorithm}sum" < "$new" | cut -d ' ' -f 1)
  [ "$found" = "$sum" ] || { echo "The checksum for $dest did not match $sum; it was $found." >&2; exit 1; }
fi
! cmp -s -- "$new" "$dest" || { echo same; exit 0; }
if [ -f "$dest" ]; then
  chmod -- "$(stat -c %a -- "$dest")" "$new" && chown -- "$(stat -c %u:%g -- "$dest")" "$new" || exit
  if [ -n "$backup" ]; then
    kept=$dest.$$.$(date '+%Y-%m-%d@%H:%M:%S')~
    cp -p -- "$dest" "$kept" || exit
    printf 'backup %s\\n' "$kept"
  fi
else
  chmod -- "$usual" "$new" || exit
fi
mv -f -- "$new" "$dest" && echo new`.trim();
