/** What `--tags` and `--skip-tags` choose, in Ansible's words: `always`, `never`, `all`, `tagged`, `untagged`. */
export function isSelected(
  tags: readonly string[],
  { only, skip }: { readonly only: readonly string[]; readonly skip: readonly string[] },
): boolean {
  return isWanted(tags, only) && !isSkipped(tags, skip);
}

function isWanted(tags: readonly string[], only: readonly string[]): boolean {
  const wanted = only.length === 0 ? ['all'] : only;
  if (tags.some((tag) => wanted.includes(tag))) return true;
  if (tags.includes('always')) return true;
  if (tags.includes('never')) return false;
  if (wanted.includes('all')) return true;
  return wanted.includes(tags.length === 0 ? 'untagged' : 'tagged');
}

function isSkipped(tags: readonly string[], skip: readonly string[]): boolean {
  if (tags.some((tag) => skip.includes(tag))) return true;
  if (skip.includes('all')) return !tags.includes('always');
  return skip.includes(tags.length === 0 ? 'untagged' : 'tagged');
}
