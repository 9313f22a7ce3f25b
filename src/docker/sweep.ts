import { script, type Argv } from './commands.ts';

/**
 * Removes files below `folder` that no container mounts: the caller's `own` at once, others when they are a minute old,
 * since somebody may be about to mount them. A folder that is not there has none.
 */
export const sweepFilesCommand = (folder: string, own: readonly string[] = []): Argv =>
  script(
    'rollout-sweep',
    `
[ -d "$1" ] || exit 0
# Without an answer for every container no file is known to be unused; one may go or come between the commands. How many
# there are is asked apart: a list that is empty or broken off looks like one of a host with fewer.
for try in 1 2 3; do
  ids=$(docker ps -aq --no-trunc) || exit
  count=$(docker info --format '{{.Containers}}') || exit
  [ "$(printf '%s\\n' "$ids" | grep -cxE '[0-9a-f]{64}')" = "$count" ] || continue
  used=$([ -z "$ids" ] || docker container inspect --format '{{println .Id}}{{range .Mounts}}{{println .Source}}{{end}}' $ids) || continue
  [ "$(printf '%s\\n' "$used" | grep -cxE '[0-9a-f]{64}')" = "$count" ] && try=done && break
done
[ "$try" = done ] || { echo "docker names $(printf '%s\\n' "$ids" | grep -c .) containers and counts \${count:-none}: no file is known to be unused" >&2; exit 1; }
folder=$1
shift
{ find "$folder" -type f -mmin +1; for file; do [ -f "$file" ] && printf '%s\\n' "$file"; done; } | while IFS= read -r file; do
  printf '%s\\n' "$used" | grep -qxF -- "$file" || rm -f -- "$file"
done
find "$folder" -mindepth 1 -type d -empty -delete
`,
    [folder, ...own],
  );
