import * as z from 'zod';
import { must } from '../schema/values.ts';
import type { PathFacts } from './query.ts';

/** Owner, group and mode of a file, as Ansible's file modules take them. */
export interface Access {
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
  /** Octal digits, or changes as of chmod: `u=rw,go=r`. */
  readonly mode?: string | undefined;
}

const nameOrId = z
  .union([z.string(), z.number().int()], must('a name or a number'))
  .transform(String)
  .refine((name) => /^[^\s:]+$/.test(name), must('a name or a number'));

const changes = /^[ugoa]*[-+=][rwxXst]*(?:,[ugoa]*[-+=][rwxXst]*)*$/;

const mode = z
  .union([z.string(), z.number().int()], must("a mode such as '0644' or u=rw,go=r"))
  .transform((written, context) => {
    const text = typeof written === 'number' ? modeOfNumber(written) : written;
    if (text !== undefined && (/^[0-7]{3,4}$/.test(text) || changes.test(text)))
      return text.replace(/^0(?=\d{3}$)/, '');
    context.addIssue({
      code: 'custom',
      message: "must be a mode such as '0644' or u=rw,go=r",
      params: { advice: "Write octal digits with a leading zero, or in quotes: '0644'" },
    });
    return z.NEVER;
  });

/** YAML reads 0644 as 420; 644, without the zero, is a mistake that would give 1204. */
function modeOfNumber(number: number): string | undefined {
  const octal = number.toString(8).padStart(3, '0');
  return number < 0 || number > 0o7777 || (octal.length === 4 && /^[0-7]{3}$/.test(String(number))) ? undefined : octal;
}

/** Of every module that writes files. */
export const accessParams = {
  owner: nameOrId.optional().describe('Whose it is, by name or number.'),
  group: nameOrId.optional().describe('Its group, by name or number.'),
  mode: mode
    .optional()
    .describe("Octal digits in quotes or with a leading zero ('0644'), or as chmod has it (u=rw,go=r)."),
};

/** Whether a file lacks something of what is asked of it. */
export function differsInAccess(
  { owner, group, mode: wanted }: Access,
  found: Pick<PathFacts, 'type' | 'mode' | 'uid' | 'gid' | 'owner' | 'group'>,
): boolean {
  const isName = (name: string | undefined, known: string, id: number): boolean =>
    name === undefined || name === known || name === String(id);
  return (
    !isName(owner, found.owner, found.uid) ||
    !isName(group, found.group, found.gid) ||
    (wanted !== undefined &&
      found.type !== 'link' &&
      modeAfter(wanted, found) !== found.mode.replace(/^0+(?=\d{3})/, ''))
  );
}

/** The octal digits that a file with this mode has after a change. */
export function modeAfter(wanted: string, { mode: now, type }: Pick<PathFacts, 'mode' | 'type'>): string {
  if (/^[0-7]+$/.test(wanted)) return wanted;
  let bits = parseInt(now, 8);
  for (const clause of wanted.split(',')) {
    const [, who = '', sign = '', what = ''] = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause) ?? [];
    const classes = who === '' || who.includes('a') ? 'ugo' : who;
    const isExecutable = type === 'directory' || (bits & 0o111) !== 0;
    let set = 0;
    let mask = 0;
    for (const each of classes) {
      const shift = { u: 6, g: 3, o: 0 }[each as 'u' | 'g' | 'o'];
      mask |= 7 << shift;
      for (const letter of what) {
        if (letter === 'r') set |= 4 << shift;
        else if (letter === 'w') set |= 2 << shift;
        else if (letter === 'x' || (letter === 'X' && isExecutable)) set |= 1 << shift;
        else if (letter === 's') set |= { u: 0o4000, g: 0o2000, o: 0 }[each as 'u' | 'g' | 'o'];
        else if (letter === 't') set |= 0o1000;
      }
    }
    if (sign === '+') bits |= set;
    else if (sign === '-') bits &= ~set;
    else bits = (bits & ~mask) | set;
  }
  return bits.toString(8).padStart(3, '0');
}

/** chown and chmod, for what is there already. */
export function accessCommands(
  path: string,
  { owner, group, mode: wanted }: Access,
  { isLink = false }: { readonly isLink?: boolean } = {},
): (readonly string[])[] {
  const commands: (readonly string[])[] = [];
  if (owner !== undefined || group !== undefined) {
    const whose = `${owner ?? ''}${group === undefined ? '' : `:${group}`}`;
    commands.push(['chown', ...(isLink ? ['-h'] : []), '--', whose, path]);
  }
  if (wanted !== undefined && !isLink) commands.push(['chmod', '--', wanted, path]);
  return commands;
}
