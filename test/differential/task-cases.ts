/** A task in Ansible's words, which rollout must carry out alike. `DIR` stands for a folder of each side's own. */
export interface TaskCase {
  readonly name: string;
  readonly task: Readonly<Record<string, unknown>>;
  /** A second run finds nothing to change. */
  readonly again?: true;
}

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

export const taskCases: readonly TaskCase[] = [...commands, ...keywords, ...writing, ...paths, ...lines];

/** Cases that differ from Ansible on purpose, and why; docs/tasks.md says so too. */
export const differing: Readonly<Record<string, string>> = {
  'command: no shell': 'Ansible puts in environment variables; a command without a shell takes its words as they are',
  'copy: no parent': 'a check says already that the folder is missing',
  'file: no such owner': 'a check does not look the owner up',
};
