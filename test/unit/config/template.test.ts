import { expect, test } from 'vitest';
import type { Value } from '../../../src/model/host.ts';
import { Source } from '../../../src/config/text/source.ts';
import { TemplateEngine } from '../../../src/config/template/engine.ts';
import { TemplateFailure } from '../../../src/config/template/failure.ts';
import { Scope } from '../../../src/config/template/scope.ts';

const variables: Readonly<Record<string, Value>> = {
  name: 'app',
  count: 3,
  enabled: true,
  nothing: null,
  list: ['a', 'b'],
  map: { key: 'k', inner: { deep: 1 }, 'with-dash': 2 },
  which: 'inner',
  indirect: '{{ map.inner.deep + count }}',
  whole: '{{ map }}',
};

/** What a template gives, or `line:column message` of everything that is wrong with it. */
function render(text: string): unknown {
  const scope = new Scope(new TemplateEngine(), {
    get: (name) => (name in variables ? { value: variables[name] ?? null } : undefined),
    names: () => Object.keys(variables),
  });
  const source = new Source('file', text);
  try {
    return scope.render(text, { place: { source, start: 0, end: text.length }, path: 'x' });
  } catch (error) {
    if (!(error instanceof TemplateFailure)) throw error;
    return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
}

test.each<[string, unknown]>([
  ['plain', 'plain'],
  ['{{ name }}', 'app'],
  ['{{ count }}', 3],
  ['{{ count }} of {{ list }}', '3 of ["a", "b"]'],
  ['{{ count * 2 }}', 6],
  ['{{ count / 2 }}', 1.5],
  ['{{ enabled and count > 2 }}', true],
  ['{{ nothing }}', null],
  ['{{ map }}', { key: 'k', inner: { deep: 1 }, 'with-dash': 2 }],
  ["{{ map['with-dash'] }}", 2],
  ['{{ map[which].deep }}', 1],
  ['{{ indirect }}', 4],
  ['{{ whole.inner.deep }}', 1],
  ['{{ list | join(",") }}', 'a,b'],
  ['{{ name.upper() }}', 'APP'],
  ['{% for item in list %}{{ item }}{{ loop.index }}{% endfor %}', 'a1b2'],
  ['{% set x = count %}{{ x + 1 }}', '4'],
  ['{% with y = 5 %}{{ y }}{% endwith %}', '5'],
  ['{% raw %}{{ x }}{% endraw %}', '{{ x }}'],
  ['{# {{ x }} #}text', 'text'],
  ["{{ 'a' if enabled else nope }}", 'a'],
  ['{{ nope is defined }}', false],
  ['{{ nope is not defined }}', true],
  ['{{ map.nope.deeper is defined }}', false],
  ['{{ nope is defined and nope > 1 }}', false],
  ['{{ nope | default(5) }}', 5],
  ['{{ map.nope.deeper | default("x") }}', 'x'],
  ["{{ name | regex_replace('(p+)', '<\\\\1>') }}", 'a<pp>'],
  ["{{ 'web-01' | regex_replace('^(?P<tier>[a-z]+)-(\\\\d+)$', '\\\\g<tier>/\\\\2') }}", 'web/01'],
  ["{{ 'a.b.c' | regex_replace('\\\\.', '-', count=1) }}", 'a-b.c'],
  [
    "{{ 'ABC' | regex_replace('(?x) b  # its middle', '$1') }}{{ 'ABC' | regex_replace('b', '$1', ignorecase=true) }}",
    'ABCA$1C',
  ],
  ["{{ 'web-01' | regex_search('[a-z]+(?=\\\\-)') }}", 'web'],
  ["{{ 'web-01' | regex_search('(?P<t>\\\\w+)\\\\-(\\\\d+)', '\\\\g<t>', '\\\\2') }}", ['web', '01']],
  ["{{ 'web-01' | regex_search('(db)', '\\\\1') is none }}", true],
  ["{{ 'a1b22' | regex_findall('\\\\d+') }}", ['1', '22']],
  [
    "{{ 'a1b2' | regex_findall('([a-z])(\\\\d)') }}",
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  ["{{ 'a+b (c)' | regex_escape }}", 'a\\+b\\ \\(c\\)'],
  ['{{ name | b64encode | b64decode }}', 'app'],
  ["{{ enabled | ternary('y', 'n') }}", 'y'],
  ['{{ "it\'s" | quote }}', `'it'"'"'s'`],
  ["{{ '/a/b.c' | basename }}{{ '/a/b.c' | dirname }}", 'b.c/a'],
  ['{{ {"a": 1} | combine({"b": count}) }}', { a: 1, b: 3 }],
  ['{{ map | to_json }}', '{"inner":{"deep":1},"key":"k","with-dash":2}'],
  ['line\n', 'line\n'],
  ['{{ name }}\n', 'app\n'],
])('%s gives %j', (template, expected) => {
  expect(render(template)).toEqual(expected);
});

test.each<[string, string[]]>([
  ['{{ nmae }}', ["1:4 'nmae' is undefined. Did you mean name?"]],
  ['{{ nope == 1 }}', ["1:4 'nope' is undefined"]],
  ['{{ not nope }}', ["1:8 'nope' is undefined"]],
  ['a\n{{ name }} {{ nope }} {{ never }}', ["2:15 'nope' is undefined", "2:26 'never' is undefined"]],
  ['{{ map.kye }}', ["1:4 'map.kye' is undefined: map has no kye. Did you mean key?"]],
  ['{{ map.inner.dep == 1 }}', ["1:4 'map.inner.dep' is undefined: map.inner has no dep. Did you mean deep?"]],
  ["{{ map['x y'] }}", ["1:4 'map['x y']' is undefined: map has no x y"]],
  ['{{ list[5] }}', ["1:4 'list[5]' is undefined: list has 2 items"]],
  ['{{ map[which].nope == 1 }}', ["1:4 'map[which].nope' is undefined"]],
  ['{{ list | join(sep) }}', ["1:16 'sep' is undefined"]],
  ['{% for i in lst %}{{ i }}{% endfor %}', ["1:13 'lst' is undefined. Did you mean list?"]],
  ['{% if nope %}x{% endif %}', ["1:7 'nope' is undefined"]],
  ['{{ dict(a=nope) }}', ["1:11 'nope' is undefined"]],
  ['{{ [] | first }}', ['1:1 undefined value']],
  ['{{ 1 + }}', ['1:8 syntax error: unexpected end of variable block']],
  ['{{ name', ['1:4 syntax error: unexpected end of input, expected end of variable block']],
  ['{{ name | nofilter }}', ['1:1 unknown filter: filter nofilter is unknown']],
  ["{{ name | regex_search('(') }}", ['1:1 regex_search: missing ), unterminated subpattern at position 0']],
  ["{{ name | regex_replace('a', '\\\\2') }}", ['1:1 regex_replace: invalid group reference 2']],
  ['{{ name + 1 }}', ['1:1 invalid operation: tried to use + operator on unsupported types string and number']],
  ['{% macro m() %}{% endmacro %}', ['1:4 {% macro %} is not supported here']],
  [
    '{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}',
    ['1:1 it takes too long: a loop in it does not end soon enough'],
  ],
])('%s is an error: %j', (template, expected) => {
  expect(render(template)).toEqual(expected);
});
