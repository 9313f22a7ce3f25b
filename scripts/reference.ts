// Writes what comes from the schemas: schema/*.json, docs/events.md, and the tables of docs/playbook.md. `npm run reference`.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { blockSchema, taskSchema } from '../src/task/keywords.ts';
import { taskModules } from '../src/task/table.ts';
import { exitCodeMeanings, exitCodes } from '../src/events/exit-code.ts';
import { eventEntries } from '../src/events/schema.ts';
import { watchEventEntries } from '../src/events/watch-schema.ts';
import { jsonSchemaOf, schemaNames, wholePlaybook } from '../src/config/json-schema.ts';

const root = new URL('..', import.meta.url);

/** The files that come from the schemas, by their path in the project, as they should be. */
export async function referenceFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of schemaNames)
    files.set(`schema/${name}.json`, `${JSON.stringify(jsonSchemaOf(name), undefined, 2)}\n`);
  const page = readFileSync(new URL('docs/playbook.md', root), 'utf8');
  const [before = '', rest = ''] = page.split(begin);
  const [, after = ''] = rest.split(end);
  const options = await resolveConfig(fileURLToPath(new URL('docs/playbook.md', root)));
  const text = `${before}${begin}\n\n${tables()}\n\n${end}${after}`;
  files.set('docs/playbook.md', await format(text, { ...options, parser: 'markdown' }));
  files.set('docs/events.md', await format(eventsPage(), { ...options, parser: 'markdown' }));
  return files;
}

const begin = '<!-- the tables below come from the schemas: npm run reference -->';
const end = '<!-- end of the tables -->';

/** What the walk needs to know of a JSON Schema. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

function tables(): string {
  const playbook = z.toJSONSchema(wholePlaybook(), { io: 'input', unrepresentable: 'any' }) as Schema;
  const play = playbook.properties?.['plays']?.items ?? {};
  const { properties = {} } = play;
  const balancers = properties['load_balancer']?.oneOf ?? properties['load_balancer']?.anyOf ?? [];
  const check = properties['strategy']?.properties?.['checks']?.items ?? {};
  return [
    table('The playbook', playbook),
    table('A play', play),
    ...balancers.map((form) => table(`load_balancer: { type: ${String(form.properties?.['type']?.const)} }`, form)),
    table('strategy', properties['strategy'] ?? {}),
    table('strategy.canary', properties['strategy']?.properties?.['canary'] ?? {}),
    table('strategy.zones', properties['strategy']?.properties?.['zones'] ?? {}),
    table('strategy.checks', check),
    table('strategy.checks: uri', check.properties?.['uri'] ?? {}),
    table('strategy.checks: prometheus', check.properties?.['prometheus'] ?? {}),
    table('strategy.drain', properties['strategy']?.properties?.['drain'] ?? {}),
    table('policy', playbook.properties?.['policy'] ?? {}),
    table('policy.host_mounts', playbook.properties?.['policy']?.properties?.['host_mounts'] ?? {}),
    ...taskTables(),
    table('A network', mappingValue(properties['networks'])),
    table('A volume', mappingValue(properties['volumes'])),
  ].join('\n\n');
}

/** Keywords of tasks and blocks, and the parameters of every module. */
function taskTables(): string[] {
  const schemaOf = (schema: z.ZodType): Schema =>
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
  const block = schemaOf(blockSchema);
  const { block: list, rescue, always } = block.properties ?? {};
  const own = Object.fromEntries(
    Object.entries({ block: list, rescue, always }).flatMap(([key, part]) => (part === undefined ? [] : [[key, part]])),
  );
  return [
    table('A task: keywords', schemaOf(taskSchema)),
    table('A block', { properties: own, required: ['block'] }),
    ...taskModules.map(({ name, doc, schema }) => {
      const [head = '', ...rest] = table(`Module: ${name}`, schemaOf(schema)).split('\n\n');
      return [head, doc, ...rest].join('\n\n');
    }),
  ];
}

/** Every event with its fields, and every exit code. */
function eventsPage(): string {
  const sections = (entries: typeof eventEntries | typeof watchEventEntries): readonly string[] =>
    Object.entries(entries).map(([type, { doc, fields }]) => {
      const schema = z.toJSONSchema(z.object(fields), { io: 'input' }) as Schema;
      return [`### ${type}`, '', doc, '', fieldTable(schema)].join('\n');
    });
  const codes = Object.entries(exitCodes).map(
    ([name, code]) => `| ${code} | ${cell(exitCodeMeanings[name as keyof typeof exitCodes])} |`,
  );
  return [
    '# Events and exit codes',
    '<!-- this page comes from the schemas: npm run reference -->',
    'One event is one line of `--output json` and of [the journal](output.md#the-journal): a JSON object with `v` (1), `type`, `at` (milliseconds since the epoch), `run` (its id), and the fields below. New types and new fields may come in any version: pass over what you do not know. `rollout schema event` prints the JSON Schema, which is also in `schema/event.json`.',
    '## Events',
    ...sections(eventEntries),
    '## Events of a watch',
    '[rollout watch](watch.md) says these between its runs. They have no `run` but where it is named below.',
    ...sections(watchEventEntries),
    '## Exit codes',
    ['| exit code | meaning |', '| --- | --- |', ...codes].join('\n'),
  ].join('\n\n');
}

function fieldTable({ properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties).map(
    ([name, field]) =>
      `| \`${name}\` | ${formOf(field)}${required.includes(name) ? '' : ', may be absent'} | ${cell(aboutField(field))} |`,
  );
  return ['| field | form | |', '| --- | --- | --- |', ...rows].join('\n');
}

function formOf({ type, enum: values, const: value, items, additionalProperties }: Schema): string {
  if (value !== undefined) return `\`${JSON.stringify(value)}\``;
  if (values !== undefined) return values.map((each) => `\`${String(each)}\``).join(' ');
  if (type === 'array') return `list of ${items === undefined ? 'anything' : formOf(items)}`;
  if (type === 'object' && typeof additionalProperties === 'object')
    return `object of ${formOf(additionalProperties) || 'anything'}`;
  return type ?? 'anything';
}

/** What it is, and what an object in it has. */
function aboutField({ description = '', properties, items, additionalProperties }: Schema): string {
  const inner =
    properties ??
    items?.properties ??
    (typeof additionalProperties === 'object'
      ? (additionalProperties.properties ?? additionalProperties.items?.properties)
      : undefined);
  const names =
    inner === undefined
      ? ''
      : `Has ${Object.keys(inner)
          .map((name) => `\`${name}\``)
          .join(', ')}.`;
  const sentence = description === '' || /[.!]$/.test(description) ? description : `${description}.`;
  return [sentence, names].filter((part) => part !== '').join(' ');
}

function mappingValue(schema: Schema | undefined): Schema {
  const value = typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : {};
  return value.anyOf?.find(({ properties }) => properties !== undefined) ?? value;
}

function table(title: string, { properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties)
    .filter(([, schema]) => schema.const === undefined)
    .map(([key, schema]) => {
      const fallback = required.includes(key) ? 'needed' : defaultText(schema.default);
      return `| \`${key}\` | ${fallback} | ${cell(schema.description ?? choices(schema))} |`;
    });
  if (rows.length === 0) return `### ${title}\n\nNo further keys.`;
  return [`### ${title}`, '', '| key | default | |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Defaults as they are written; those that the schema has parsed already are put back into words. */
function defaultText(value: unknown): string {
  if (value === undefined || value === false) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '{}' || text === '[]' ? '' : `\`${text}\``;
}

function choices({ enum: values }: Schema): string {
  return values === undefined ? '' : values.map(String).join(', ');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [path, content] of await referenceFiles()) writeFileSync(new URL(path, root), content);
