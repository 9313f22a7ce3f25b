/** A task in Ansible's words, which rollout must carry out alike. `DIR` stands for a folder of each side's own. */
export interface TaskCase {
  readonly name: string;
  readonly task: Readonly<Record<string, unknown>>;
  /** A second run finds nothing to change. */
  readonly again?: true;
}

/** A part of a case: its check, its run, its second run, the files afterwards. */
export type CasePart = '_check' | '' | '_again' | 'tree';

const one = (name: string, task: TaskCase['task'], again?: true): TaskCase =>
  again === undefined ? { name, task } : { name, task, again };

/** Files that are there before each side begins, by their path. */
export const given: Readonly<Record<string, string>> = {
  'hello.txt': 'hello\n',
  'no-end.txt': 'one\ntwo',
  'conf.ini': '# settings\n[main]\nport=80\nname=old\nport=81\n',
  'unicode.txt': 'grüße 😀\n',
  'empty.txt': '',
  'sub/inner.txt': 'inner\n',
  'quotes.txt': `it's "quoted" \\ $HOME\n`,
};

export const files: Readonly<Record<string, string>> = {
  'files/plain.txt': 'from the controller\n',
  'files/hello.txt': 'hello\n',
  'templates/page.j2': 'name={{ who }}\n{% for n in numbers %}\nn{{ n }}\n{% endfor %}\nend {{ who | upper }}\n',
  'templates/tail.j2': '{{ who }}',
  'script.sh': '#!/bin/sh\necho "script $1 $2"\nexit 0\n',
};

export const vars = {
  who: 'wörld',
  numbers: [1, 2],
  list: ['a', 'b c', 'd-e'],
  yes: true,
  nested: { key: [{ deep: 'x' }] },
};

const commands: readonly TaskCase[] = [
  one('command: words', { command: 'echo one  two' }),
  one('command: quotes', { command: `echo 'a b' "c d" e\\ f` }),
  one('command: no shell', { command: 'echo $HOME | cat > x' }),
  one('command: argv', { command: { argv: ['echo', 'a b', "it's", '"', '$x'] } }),
  one('command: cmd', { command: { cmd: 'echo via cmd' } }),
  one('command: fails', { command: 'false' }),
  one('command: code', { shell: 'echo out; echo err >&2; exit 7' }),
  one('command: unicode', { command: 'echo grüße 😀' }),
  one('command: chdir', { command: { cmd: 'pwd', chdir: '/usr' } }),
  one('command: creates, there', { command: { cmd: 'touch DIR/nope', creates: 'DIR/hello.txt' } }),
  one('command: creates, not there', { command: { cmd: 'touch DIR/made', creates: 'DIR/made' } }, true),
  one('command: creates as args', { command: 'touch DIR/made2', args: { creates: 'DIR/made2' } }, true),
  one('command: removes, there', { command: { cmd: 'echo x', removes: 'DIR/hello.txt' } }),
  one('command: removes, not there', { command: { cmd: 'echo x', removes: 'DIR/absent' } }),
  one('command: stdin', { command: { cmd: 'cat', stdin: 'typed' } }),
  one('command: stdin without end', {
    command: { cmd: 'cat', stdin: 'typed', stdin_add_newline: false, strip_empty_ends: false },
  }),
  one('command: ends are stripped', { command: `printf 'x\\n\\n\\n'` }),
  one('command: ends are kept', { command: { cmd: `printf 'x\\n\\n'`, strip_empty_ends: false } }),
  one('shell: pipe', { shell: 'printf "a\\nb\\n" | wc -l' }),
  one('shell: variables', { shell: 'x=5; echo "$x $((x * 2))"' }),
  one('shell: redirects', { shell: 'echo text > DIR/by-shell; cat DIR/by-shell' }),
  one('shell: several lines', { shell: 'echo a\necho b\n' }),
  one('shell: executable', { shell: { cmd: 'echo ${0##*/}', executable: '/bin/bash' } }),
  one('shell: chdir', { shell: { cmd: 'ls', chdir: 'DIR/sub' } }),
  one('shell: environment', { shell: 'echo "$A|$B"', environment: { A: 'a b', B: "it's $HOME" } }),
  one('script', { script: 'script.sh one "two three"' }),
];

const keywords: readonly TaskCase[] = [
  one('when: false', { command: 'echo x', when: 'numbers | length > 5' }),
  one('when: list', { command: 'echo x', when: ['yes', 'who == "wörld"'] }),
  one('loop', { command: 'echo {{ item }}', loop: '{{ list }}' }),
  one('loop: of mappings', { command: 'echo {{ item.deep }}', loop: '{{ nested.key }}' }),
  one('loop: empty', { command: 'echo {{ item }}', loop: [] }),
  one('loop: when by item', { command: 'echo {{ item }}', loop: [1, 2, 3], when: 'item > 1' }),
  one('loop: one fails', { shell: 'test {{ item }} != 2', loop: [1, 2, 3] }),
  one('loop: names', {
    command: 'echo {{ i }}{{ x }}',
    loop: ['a', 'b'],
    loop_control: { loop_var: 'x', index_var: 'i' },
  }),
  one('with_items: nested', { command: 'echo {{ item }}', with_items: [['a', 'b'], 'c'] }),
  one('changed_when: false', { command: 'echo x', changed_when: false }),
  one('changed_when: by result', { command: 'echo same', changed_when: '"other" in result.stdout' }),
  one('failed_when: false', { command: 'false', failed_when: false }),
  one('failed_when: by result', { command: 'echo bad', failed_when: '"bad" in result.stdout' }),
  one('failed_when: by code', { shell: 'exit 3', failed_when: 'result.rc not in [0, 3]' }),
  one('until: at once', { command: 'echo go', until: 'result.rc == 0', retries: 2, delay: 0 }),
  one('until: later', {
    shell: 'echo x >> DIR/tries; test $(wc -l < DIR/tries) -ge 3',
    until: 'result.rc == 0',
    retries: 5,
    delay: 0,
  }),
  one('until: never', { shell: 'echo x >> DIR/never; exit 1', until: 'result.rc == 0', retries: 2, delay: 0 }),
  one('vars', { command: 'echo {{ own }} {{ who }}', vars: { own: 'mine {{ numbers[0] }}' } }),
  one('assert: holds', { assert: { that: ['yes', 'numbers == [1, 2]'] } }),
  one('assert: does not hold', { assert: { that: 'numbers | length == 3', fail_msg: 'wrong' } }),
  one('fail', { fail: { msg: 'on purpose' } }),
  one('set_fact', { set_fact: { made: 'x{{ who }}' } }),
  one('debug', { debug: { msg: 'said {{ who }}' } }),
];

const writing: readonly TaskCase[] = [
  one('copy: content', { copy: { content: 'new\n', dest: 'DIR/c1' } }, true),
  one('copy: content, mode', { copy: { content: 'new\n', dest: 'DIR/c2', mode: '0600' } }, true),
  one('copy: content, no line end', { copy: { content: 'new', dest: 'DIR/c3' } }, true),
  one('copy: content, empty', { copy: { content: '', dest: 'DIR/c4' } }, true),
  one('copy: content, unicode', { copy: { content: 'grüße 😀 {{ who }}\n', dest: 'DIR/c5-ü' } }, true),
  one('copy: content, quotes', { copy: { content: `it's "x" \\ $HOME \`id\`\n`, dest: `DIR/c6 it's` } }, true),
  one('copy: content, template', { copy: { content: '{{ list | join(",") }}', dest: 'DIR/c7' } }, true),
  one('copy: same content', { copy: { content: 'hello\n', dest: 'DIR/hello.txt' } }, true),
  one('copy: same content, other mode', { copy: { content: 'hello\n', dest: 'DIR/hello.txt', mode: '0640' } }, true),
  one('copy: mode by letters', { copy: { content: 'x', dest: 'DIR/c8', mode: 'u=rwx,g=rx,o=' } }, true),
  one('copy: mode as number', { copy: { content: 'x', dest: 'DIR/c9', mode: 0o640 } }, true),
  one('copy: keeps the mode', { copy: { content: 'other\n', dest: 'DIR/quotes.txt' } }, true),
  one('copy: src', { copy: { src: 'plain.txt', dest: 'DIR/s1' } }, true),
  one('copy: src into a folder', { copy: { src: 'plain.txt', dest: 'DIR/sub' } }, true),
  one('copy: src into a new folder', { copy: { src: 'plain.txt', dest: 'DIR/fresh/' } }, true),
  one('copy: src, same', { copy: { src: 'hello.txt', dest: 'DIR/hello.txt' } }),
  one('copy: force no, there', { copy: { content: 'other\n', dest: 'DIR/sub/inner.txt', force: false } }),
  one('copy: force no, not there', { copy: { content: 'x\n', dest: 'DIR/s2', force: false } }, true),
  one('copy: no parent', { copy: { content: 'x\n', dest: 'DIR/none/at/all' } }),
  one('copy: src is missing', { copy: { src: 'nope.txt', dest: 'DIR/s3' } }),
  one('copy: validate, good', { copy: { content: 'good\n', dest: 'DIR/v1', validate: 'grep -q good %s' } }, true),
  one('copy: validate, bad', { copy: { content: 'bad\n', dest: 'DIR/v2', validate: 'grep -q good %s' } }),
  one('copy: over a link', { copy: { content: 'plain\n', dest: 'DIR/link' } }, true),
  one('copy: large', { copy: { content: `${'0123456789abcdef'.repeat(8192)}\n`, dest: 'DIR/large' } }, true),
  one('template', { template: { src: 'page.j2', dest: 'DIR/t1' } }, true),
  one('template: mode', { template: { src: 'page.j2', dest: 'DIR/t2', mode: '0755' } }, true),
  one('template: no line end', { template: { src: 'tail.j2', dest: 'DIR/t3' } }, true),
  one('template: into a folder', { template: { src: 'tail.j2', dest: 'DIR/sub' } }, true),
  one('template: is missing', { template: { src: 'nope.j2', dest: 'DIR/t4' } }),
];

const paths: readonly TaskCase[] = [
  one('file: directory', { file: { path: 'DIR/d1', state: 'directory' } }, true),
  one('file: directory, deep', { file: { path: 'DIR/d2/a/b', state: 'directory', mode: '0750' } }, true),
  one('file: directory, there', { file: { path: 'DIR/sub', state: 'directory' } }, true),
  one('file: directory, other mode', { file: { path: 'DIR/sub', state: 'directory', mode: 'u=rwx,go=' } }, true),
  one('file: directory, a file is there', { file: { path: 'DIR/hello.txt', state: 'directory' } }),
  one('file: touch, new', { file: { path: 'DIR/touched', state: 'touch' } }),
  one('file: touch, there', { file: { path: 'DIR/empty.txt', state: 'touch', mode: '0600' } }),
  one('file: file, there', { file: { path: 'DIR/unicode.txt' } }),
  one('file: file, mode', { file: { path: 'DIR/unicode.txt', mode: 'a+x' } }, true),
  one('file: file, not there', { file: { path: 'DIR/absent', mode: '0644' } }),
  one('file: link', { file: { src: 'hello.txt', path: 'DIR/l1', state: 'link' } }, true),
  one('file: link, absolute', { file: { src: 'DIR/hello.txt', path: 'DIR/l2', state: 'link' } }, true),
  one('file: link, elsewhere', { file: { src: 'empty.txt', path: 'DIR/link', state: 'link' } }, true),
  one('file: link to nothing', { file: { src: 'absent', path: 'DIR/l3', state: 'link' } }),
  one('file: link to nothing, forced', { file: { src: 'absent', path: 'DIR/l4', state: 'link', force: true } }, true),
  one('file: link, a file is there', { file: { src: 'hello.txt', path: 'DIR/empty.txt', state: 'link' } }),
  one(
    'file: link, forced over a file',
    { file: { src: 'hello.txt', path: 'DIR/empty.txt', state: 'link', force: true } },
    true,
  ),
  one('file: hard', { file: { src: 'DIR/hello.txt', path: 'DIR/h1', state: 'hard' } }, true),
  one('file: absent, file', { file: { path: 'DIR/no-end.txt', state: 'absent' } }, true),
  one('file: absent, folder', { file: { path: 'DIR/sub', state: 'absent' } }, true),
  one('file: absent, link', { file: { path: 'DIR/link', state: 'absent' } }, true),
  one('file: absent, not there', { file: { path: 'DIR/absent', state: 'absent' } }),
  one('file: owner by number', { file: { path: 'DIR/hello.txt', owner: 1, group: 1 } }, true),
  one('file: owner by name', { file: { path: 'DIR/hello.txt', owner: 'daemon', group: 'daemon' } }, true),
  one('file: no such owner', { file: { path: 'DIR/hello.txt', owner: 'nobody-here' } }),
  one('stat: file', { stat: { path: 'DIR/hello.txt' } }),
  one('stat: absent', { stat: { path: 'DIR/absent' } }),
];

const lines: readonly TaskCase[] = [
  one('lineinfile: at the end', { lineinfile: { path: 'DIR/hello.txt', line: 'world' } }, true),
  one('lineinfile: no line end before', { lineinfile: { path: 'DIR/no-end.txt', line: 'three' } }, true),
  one('lineinfile: there', { lineinfile: { path: 'DIR/conf.ini', line: '[main]' } }),
  one('lineinfile: the last match', { lineinfile: { path: 'DIR/conf.ini', regexp: '^port=', line: 'port=443' } }, true),
  one(
    'lineinfile: the first match',
    { lineinfile: { path: 'DIR/conf.ini', regexp: '^port=', line: 'port=443', firstmatch: true } },
    true,
  ),
  one(
    'lineinfile: search_string',
    { lineinfile: { path: 'DIR/conf.ini', search_string: 'name=', line: 'name=new' } },
    true,
  ),
  one(
    'lineinfile: insertafter',
    { lineinfile: { path: 'DIR/conf.ini', line: 'x=1', insertafter: '^\\[main\\]' } },
    true,
  ),
  one(
    'lineinfile: insertbefore',
    { lineinfile: { path: 'DIR/conf.ini', line: 'x=1', insertbefore: '^\\[main\\]' } },
    true,
  ),
  one(
    'lineinfile: insertafter, no match',
    { lineinfile: { path: 'DIR/conf.ini', line: 'x=1', insertafter: 'nope' } },
    true,
  ),
  one('lineinfile: BOF', { lineinfile: { path: 'DIR/conf.ini', line: 'first', insertbefore: 'BOF' } }, true),
  one('lineinfile: backrefs', {
    lineinfile: { path: 'DIR/conf.ini', regexp: '^(name)=(.*)$', line: '\\1=\\2-more', backrefs: true },
  }),
  one('lineinfile: backrefs, no match', {
    lineinfile: { path: 'DIR/conf.ini', regexp: '^nope', line: 'x', backrefs: true },
  }),
  one('lineinfile: absent', { lineinfile: { path: 'DIR/conf.ini', regexp: '^port=', state: 'absent' } }, true),
  one('lineinfile: absent, a line', { lineinfile: { path: 'DIR/conf.ini', line: 'name=old', state: 'absent' } }, true),
  one('lineinfile: absent, no file', { lineinfile: { path: 'DIR/absent', line: 'x', state: 'absent' } }),
  one('lineinfile: no file', { lineinfile: { path: 'DIR/absent', line: 'x' } }),
  one('lineinfile: create', { lineinfile: { path: 'DIR/made.ini', line: 'x=ü', create: true, mode: '0600' } }, true),
  one('lineinfile: a folder', { lineinfile: { path: 'DIR/sub', line: 'x' } }),
  one('lineinfile: validate, bad', { lineinfile: { path: 'DIR/conf.ini', line: 'bad', validate: 'false %s' } }),
  one('lineinfile: unicode', { lineinfile: { path: 'DIR/unicode.txt', regexp: 'grüße', line: 'größe' } }, true),
];

const unpacking: readonly TaskCase[] = [
  one('unarchive: tar.gz', { unarchive: { src: 'good.tar.gz', dest: 'DIR/sub' } }, true),
  one('unarchive: tar', { unarchive: { src: 'good.tar', dest: 'DIR/sub' } }, true),
  one('unarchive: tar.xz', { unarchive: { src: 'good.tar.xz', dest: 'DIR/sub' } }, true),
  one('unarchive: tar.zst', { unarchive: { src: 'good.tar.zst', dest: 'DIR/sub' } }, true),
  one('unarchive: tar.bz2', { unarchive: { src: 'good.tar.bz2', dest: 'DIR/sub' } }, true),
  one('unarchive: zip', { unarchive: { src: 'good.zip', dest: 'DIR/sub' } }, true),
  one(
    'unarchive: on the host',
    { unarchive: { src: 'DIR/../files/good.tar.gz', dest: 'DIR', remote_src: true } },
    true,
  ),
  one('unarchive: owner in the archive', { unarchive: { src: 'flat.tar.gz', dest: 'DIR/sub' } }, true),
  one(
    'unarchive: owner, group and mode',
    { unarchive: { src: 'good.tar.gz', dest: 'DIR/sub', owner: 'daemon', group: 1, mode: 'u=rwX,go=rX' } },
    true,
  ),
  one(
    'unarchive: zip, owner and mode',
    { unarchive: { src: 'good.zip', dest: 'DIR/sub', owner: 1, mode: '0755' } },
    true,
  ),
  one('unarchive: exclude', { unarchive: { src: 'good.tar.gz', dest: 'DIR/sub', exclude: ['top/dir'] } }, true),
  one('unarchive: include', { unarchive: { src: 'good.tar.gz', dest: 'DIR/sub', include: ['top/a.txt'] } }, true),
  one('unarchive: zip, include', { unarchive: { src: 'good.zip', dest: 'DIR/sub', include: ['top/dir/*'] } }, true),
  one(
    'unarchive: strip-components',
    { unarchive: { src: 'good.tar.gz', dest: 'DIR/sub', extra_opts: ['--strip-components=1'] } },
    true,
  ),
  one('unarchive: creates, there', { unarchive: { src: 'good.tar.gz', dest: 'DIR', creates: 'DIR/hello.txt' } }),
  one('unarchive: creates, not there', { unarchive: { src: 'good.zip', dest: 'DIR', creates: 'DIR/top' } }, true),
  one('unarchive: no folder', { unarchive: { src: 'good.tar.gz', dest: 'DIR/absent' } }),
  one('unarchive: no archive', { unarchive: { src: 'DIR/absent.tar', dest: 'DIR', remote_src: true } }),
  one('unarchive: no archive at the controller', { unarchive: { src: 'absent.tar', dest: 'DIR' } }),
  one('unarchive: an empty file', { unarchive: { src: 'DIR/empty.txt', dest: 'DIR', remote_src: true } }),
  one('unarchive: no archive at all', { unarchive: { src: 'DIR/hello.txt', dest: 'DIR', remote_src: true } }),
  one('unarchive: cut off', { unarchive: { src: 'cut.tar.gz', dest: 'DIR/sub' } }),
  one('unarchive: zip, cut off', { unarchive: { src: 'cut.zip', dest: 'DIR/sub' } }),
  one('unarchive: an absolute name', { unarchive: { src: 'absolute.tar.gz', dest: 'DIR/sub' } }, true),
  one('unarchive: over what is there', { unarchive: { src: 'into-link.tar.gz', dest: 'DIR' } }, true),
];

const fetching: readonly TaskCase[] = [
  one('fetch: flat', { fetch: { src: 'DIR/hello.txt', dest: 'DIR/fetched', flat: true } }, true),
  one('fetch: flat, into a folder', { fetch: { src: 'DIR/unicode.txt', dest: 'DIR/sub/', flat: true } }, true),
  one('fetch: flat, the folder without slash', { fetch: { src: 'DIR/hello.txt', dest: 'DIR/sub', flat: true } }),
  one('fetch: host and path', { fetch: { src: 'DIR/quotes.txt', dest: 'DIR/from' } }, true),
  one('fetch: relative', { fetch: { src: 'DIR/hello.txt', dest: 'case-fetched/', flat: true } }, true),
  one('fetch: through a link', { fetch: { src: 'DIR/link', dest: 'DIR/new/deep/', flat: true } }, true),
  one('fetch: over another', { fetch: { src: 'DIR/hello.txt', dest: 'DIR/conf.ini', flat: true } }, true),
  one('fetch: for its owner', { fetch: { src: 'DIR/private.txt', dest: 'DIR/fetched', flat: true } }, true),
  one('fetch: large', { fetch: { src: 'DIR/../files/good.tar', dest: 'DIR/fetched', flat: true } }, true),
  one('fetch: empty', { fetch: { src: 'DIR/empty.txt', dest: 'DIR/fetched', flat: true } }, true),
  one('fetch: what is there', { fetch: { src: 'DIR/hello.txt', dest: 'DIR/hello.txt', flat: true } }),
  one('fetch: missing', { fetch: { src: 'DIR/absent', dest: 'DIR/f', flat: true } }),
  one('fetch: missing, passed over', {
    fetch: { src: 'DIR/absent', dest: 'DIR/f', flat: true, fail_on_missing: false },
  }),
  one('fetch: a folder', { fetch: { src: 'DIR/sub', dest: 'DIR/f', flat: true } }),
];

const web: readonly TaskCase[] = [
  one('get_url: a file', { get_url: { url: 'file://DIR/hello.txt', dest: 'DIR/g1' } }, true),
  one('get_url: mode', { get_url: { url: 'file://DIR/hello.txt', dest: 'DIR/g2', mode: '0600' } }, true),
  one('get_url: owner', { get_url: { url: 'file://DIR/hello.txt', dest: 'DIR/g3', owner: 1, group: 'daemon' } }, true),
  one('get_url: into a folder', { get_url: { url: 'file://DIR/hello.txt', dest: 'DIR/sub' } }, true),
  one('get_url: there', { get_url: { url: 'file://DIR/hello.txt', dest: 'DIR/conf.ini' } }),
  one(
    'get_url: there, other mode',
    { get_url: { url: 'file://DIR/hello.txt', dest: 'DIR/conf.ini', mode: '0640' } },
    true,
  ),
  one(
    'get_url: checksum',
    {
      get_url: {
        url: 'file://DIR/hello.txt',
        dest: 'DIR/conf.ini',
        checksum: 'sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
      },
    },
    true,
  ),
  one('get_url: a wrong checksum', {
    get_url: { url: 'file://DIR/hello.txt', dest: 'DIR/g4', checksum: `md5:${'0'.repeat(32)}` },
  }),
  one('get_url: no folder', { get_url: { url: 'file://DIR/hello.txt', dest: 'DIR/none/g5' } }),
  one('get_url: nothing there', { get_url: { url: 'file://DIR/absent', dest: 'DIR/g6' } }),
];

// Users and their crontabs are the machine's own: these change none.
const users: readonly TaskCase[] = [
  one('user: there', { user: { name: 'daemon' } }),
  one('user: there, as asked', { user: { name: 'daemon', shell: '/usr/sbin/nologin', uid: 1, group: 'daemon' } }),
  one('user: not there, absent', { user: { name: 'rollout-nobody', state: 'absent' } }),
  one('user: no such group', { user: { name: 'rollout-nobody', group: 'rollout-no-group' } }),
  one('user: number that is taken', { user: { name: 'rollout-nobody', uid: 0 } }),
  one('user: new, checked', { user: { name: 'rollout-nobody', create_home: false }, check_mode: true }),
  one('user: other shell, checked', { user: { name: 'daemon', shell: '/bin/rollout-sh' }, check_mode: true }),
];

export const taskCases: readonly TaskCase[] = [
  ...[...commands, ...keywords, ...writing, ...paths, ...lines],
  ...[...unpacking, ...fetching, ...web, ...users],
];

export interface Difference {
  readonly in: readonly CasePart[];
  readonly why: string;
}
const inCheck = (why: string): Difference => ({ in: ['_check'], why });
const allInCheck = (why: string, names: readonly string[]): Readonly<Record<string, Difference>> =>
  Object.fromEntries(names.map((name) => [name, inCheck(why)]));

const keepsWhatIsThere =
  'a file that is there is kept, as the manual of Ansible says; Ansible asks the server whether its own is newer';

/** Cases that differ from Ansible on purpose, in which part, and why; docs/tasks.md says so too. */
export const differing: Readonly<Record<string, Difference>> = {
  'command: no shell': {
    in: [''],
    why: 'Ansible puts in environment variables; a command without a shell takes its words as they are',
  },
  'copy: no parent': inCheck('a check says already that the folder is missing'),
  'file: no such owner': inCheck('a check does not look the owner up'),
  ...allInCheck(
    'Ansible skips archives of tar in a check',
    [
      ...['tar.gz', 'tar', 'tar.xz', 'tar.zst', 'tar.bz2', 'on the host', 'owner in the archive', 'exclude', 'include'],
      ...['owner, group and mode', 'strip-components', 'an absolute name', 'over what is there'],
      ...['no archive at all', 'cut off', 'zip, cut off'],
    ].map((name) => `unarchive: ${name}`),
  ),
  ...allInCheck(
    'Ansible skips fetch in a check',
    [
      ...['flat', 'flat, into a folder', 'flat, the folder without slash', 'host and path', 'relative'],
      ...[
        'through a link',
        'over another',
        'large',
        'empty',
        'what is there',
        'missing',
        'missing, passed over',
        'a folder',
      ],
    ].map((name) => `fetch: ${name}`),
  ),
  'fetch: for its owner': {
    in: ['_check', 'tree'],
    why: 'what only its owner may read on the host only its owner may read here; Ansible makes it readable for all',
  },
  'get_url: there': { in: ['_check', '', 'tree'], why: keepsWhatIsThere },
  'get_url: there, other mode': { in: ['tree'], why: keepsWhatIsThere },
  'get_url: a wrong checksum': { in: [''], why: 'nothing has changed; Ansible says both changed and failed' },
  'get_url: nothing there': inCheck('a check does not ask the server'),
  'user: number that is taken': { in: [''], why: 'the exit code of useradd is in the message' },
};
