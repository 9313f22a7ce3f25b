/**
 * `rollout-apt read|do STATE UPGRADE UPDATE VALID CLEANUP OPTION… -- NAME…`. Prints `age SECONDS` of the package lists, then for
 * each step `step WORDS`, what apt-get would do about it in its own words (`apt-get -s`), and `code N`. With `do` it
 * reads the lists anew where UPDATE is `yes` and they are older than VALID, and does every step that would change
 * something; what that prints goes between `did` and `end`.
 */
export const aptScript = `
how=$1 state=$2 upgrade=$3 update=$4 valid=$5 cleanup=$6
shift 6
export LC_ALL=C DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_MODE=l
command -v apt-get >/dev/null 2>&1 || { echo 'the host has no apt-get' >&2; exit 1; }
options=
while [ "$1" != -- ]; do options="$options $1"; shift; done
shift
set -f
age() {
  stamp=$(stat -c %Y /var/lib/apt/periodic/update-success-stamp 2>/dev/null) || stamp=0
  lists=$(stat -c %Y /var/lib/apt/lists 2>/dev/null) || lists=0
  [ "$stamp" -ge "$lists" ] || stamp=$lists
  echo $(($(date +%s) - stamp))
}
age=$(age)
if [ "$how" = do ] && [ "$update" = yes ] && [ "$age" -gt "$valid" ]; then
  said=$(apt-get -q update </dev/null 2>&1) || { printf 'Failed to update apt cache: %s\\n' "$said" >&2; exit 1; }
  touch /var/lib/apt/lists
  echo updated
  age=0
fi
echo "age $age"
step() {
  echo "step $*"
  would=$(apt-get -s -q $options "$@" </dev/null 2>&1)
  code=$?
  printf '%s\\n' "$would"
  if [ "$how" = do ] && [ "$code" -eq 0 ] && printf '%s\\n' "$would" | grep -qE '^(Inst|Remv|Purg|Del) '; then
    echo did
    apt-get -y -q $options "$@" </dev/null 2>&1
    code=$?
    echo end
  fi
  echo "code $code"
  return "$code"
}
is_there() {
  package=\${1%%=*}
  version=\${1#"$package"}
  version=\${version#=}
  dpkg-query -W -f '\${db:Status-Status} \${Version}\\n' -- "$package" 2>/dev/null | {
    while read -r status found; do
      [ "$status" = installed ] || [ "$2$status" = leftsconfig-files ] || continue
      [ -n "$version" ] || exit 0
      case $found in $version) exit 0 ;; esac
    done
    exit 1
  }
}
count=$#
while [ "$count" -gt 0 ]; do
  name=$1
  shift
  case $state in
    present) is_there "$name" || set -- "$@" "$name" ;;
    absent) ! is_there "$name" || set -- "$@" "$name" ;;
    purged) ! is_there "$name" lefts || set -- "$@" "$name" ;;
    *) set -- "$@" "$name" ;;
  esac
  count=$((count - 1))
done
case $state in
  absent) [ "$#" -eq 0 ] || step remove "$@" || exit 0 ;;
  purged) [ "$#" -eq 0 ] || step remove --purge "$@" || exit 0 ;;
  *) [ "$#" -eq 0 ] || step install "$@" || exit 0 ;;
esac
case $upgrade in
  safe) step upgrade --with-new-pkgs || exit 0 ;;
  dist) step dist-upgrade || exit 0 ;;
esac
for each in $(echo "$cleanup" | tr , ' '); do step "$each" || exit 0; done`.trim();

/** A package that comes, changes its version or goes. */
export interface PackageChange {
  readonly name: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What the script has printed. */
export interface AptAnswer {
  /** Of the package lists. */
  readonly ageSeconds: number;
  readonly isUpdated: boolean;
  readonly changes: readonly PackageChange[];
  /** What was done, in apt-get's words. */
  readonly output: string;
  /** Of the first step that failed: what apt-get says of it. */
  readonly error: string | undefined;
}

/** @throws Error where it is not an answer of the script */
export function parseApt(stdout: string): AptAnswer {
  const lines = stdout.split('\n');
  const age = lines.find((line) => line.startsWith('age '));
  if (age === undefined) throw new Error('the host does not say what packages it has');
  const changes: PackageChange[] = [];
  const output: string[] = [];
  let error: string | undefined;
  let said: string[] = [];
  let isDoing = false;
  for (const line of lines) {
    if (line.startsWith('step ')) said = [];
    else if (line === 'did' || line === 'end') isDoing = line === 'did';
    else if (isDoing) output.push(line);
    const code = /^code (\d+)$/.exec(line)?.[1];
    if (code !== undefined && code !== '0')
      error ??= errorOf(isDoing || output.length > 0 ? output : said, Number(code));
    if (isDoing) continue;
    said.push(line);
    changes.push(...changeIn(line));
  }
  return {
    ageSeconds: Number(age.slice(4)),
    isUpdated: lines.includes('updated'),
    changes,
    output: output.join('\n'),
    error,
  };
}

/** `Inst nginx [1.18] (1.22 Debian:12/stable [amd64])`, `Remv nginx [1.18]`, `Del nginx 1.18 [20 kB]`. */
function changeIn(line: string): readonly PackageChange[] {
  const [, verb = '', name = '', rest = ''] = /^(Inst|Remv|Purg|Del) (\S+) ?(.*)$/.exec(line) ?? [];
  if (verb === '') return [];
  const from = /^\[([^\]]+)\]/.exec(rest)?.[1];
  if (verb === 'Del') return [{ name: `${name} in the cache`, from: rest.split(' ')[0], to: undefined }];
  return [{ name, from, to: verb === 'Inst' ? /\((\S+)/.exec(rest)?.[1] : undefined }];
}

function errorOf(said: readonly string[], code: number): string {
  const errors = said.filter((line) => line.startsWith('E: ')).map((line) => line.slice(3));
  const missing = errors
    .map((line) => /^Unable to locate package (.+)$/.exec(line)?.[1])
    .find((name) => name !== undefined);
  if (missing !== undefined) return `No package matching '${missing}' is available`;
  return errors.length > 0 ? errors.join('; ') : `apt-get ended with exit code ${code}`;
}
