const dated = /^[A-Za-z][A-Za-z0-9]*_(\d{8}_\d{4}.*)$/s;

/** `c_20261120_1504`: UTC, so that names sort by time. `taken` says which there are; a second one of a minute ends in `_2`. */
export function newName(nowMs: number, taken: (name: string) => boolean): string {
  const iso = new Date(nowMs).toISOString();
  const name = `c_${iso.slice(0, 10).replaceAll('-', '')}_${iso.slice(11, 16).replace(':', '')}`;
  let free = name;
  for (let next = 2; taken(free); next += 1) free = `${name}_${next}`;
  return free;
}

/**
 * The name of a release at its next stage: `c_20261120_1504` as `rc` is `rc_20261120_1504`, `1.4` is `rc_1.4`. `from` is
 * what it was promoted from before: it tells which part of a name without a date is the stage.
 */
export function promotedName(name: string, stage: string, from: string | undefined): string {
  const tail = withoutStage(name);
  const isStaged = dated.test(name) || (from !== undefined && (tail === from || tail === withoutStage(from)));
  return `${stage}_${isStaged ? tail : name}`;
}

/** Names become names of files, and labels. */
export function isName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,127}$/.test(name);
}

function withoutStage(name: string): string {
  return dated.exec(name)?.[1] ?? name.replace(/^[A-Za-z][A-Za-z0-9]*_/, '');
}
