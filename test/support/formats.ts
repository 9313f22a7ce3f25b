/** Well-formed XML of tags, attributes and text, without comments or CDATA. @returns the root's name @throws what is wrong */
export function checkXml(text: string): string {
  const body = text.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n/, '');
  const isLegal = (point: number): boolean =>
    point === 9 ||
    point === 10 ||
    point === 13 ||
    (point >= 0x20 && point < 0xd800) ||
    (point > 0xdfff && point < 0xfffe) ||
    point > 0xffff;
  if (!Array.from(text).every((character) => isLegal(character.codePointAt(0) ?? 0)))
    throw new Error('a character that XML cannot hold');
  const open: string[] = [];
  const roots: string[] = [];
  const token =
    /<(\/?)([A-Za-z]+)((?:\s+[a-z]+="(?:[^<&"]|&(?:amp|lt|gt|quot|#10);)*")*)\s*(\/?)>|((?:[^<&]|&(?:amp|lt|gt|quot|#10);)+)/y;
  while (token.lastIndex < body.length) {
    const at = token.lastIndex;
    const match = token.exec(body);
    if (match === null) throw new Error(`no XML from ${at} on: ${body.slice(at, at + 80)}`);
    const [, isEnd, name = '', attributes = '', isEmpty] = match;
    if (name === '') continue;
    const names = [...attributes.matchAll(/([a-z]+)="/g)].map(([, attribute]) => attribute);
    if (new Set(names).size !== names.length) throw new Error(`an attribute twice in <${name}>`);
    if (isEnd === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> ends what it did not begin`);
    } else {
      if (open.length === 0) roots.push(name);
      if (isEmpty !== '/') open.push(name);
    }
  }
  if (open.length > 0 || roots.length !== 1) throw new Error(`${roots.length} roots, ${open.join()} left open`);
  return roots[0] ?? '';
}

/** What `promtool check metrics` wants of a text file. @throws what is wrong */
export function checkMetrics(text: string): void {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const typed = new Set<string>();
  const helped = new Set<string>();
  const series = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, about, name = '', rest = ''] = /^# (HELP|TYPE) ([a-z_:][a-z0-9_:]*) (.+)$/.exec(line) ?? [];
    if (about !== undefined) {
      const seen = about === 'HELP' ? helped : typed;
      if (seen.has(name)) throw new Error(`${about} of ${name} twice`);
      if (about === 'TYPE' && rest !== 'gauge') throw new Error(`type ${rest}`);
      seen.add(name);
      current = name;
      continue;
    }
    const sample = /^([a-z_:][a-z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?[\d.]+(?:e[+-]?\d+)?)$/.exec(
      line,
    );
    if (sample === null) throw new Error(`no sample: ${line}`);
    const [, metric = '', labels = ''] = sample;
    if (metric !== current || !typed.has(metric) || !helped.has(metric)) throw new Error(`${metric} is not introduced`);
    if (series.has(metric + labels)) throw new Error(`${metric}${labels} twice`);
    series.add(metric + labels);
  }
}
