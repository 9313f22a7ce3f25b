import { sanitize } from '../sanitize.ts';

/** Text that is HTML already. Only {@link html} makes it, so that nothing gets into a page unescaped. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | readonly Part[];

/** A template whose values are escaped; other templates and lists of them go in as they are. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return {
    html: strings.map((text, index) => text + (index < values.length ? render(values[index] ?? '') : '')).join(''),
  };
}

function render(part: Part): string {
  if (typeof part === 'string') return escape(sanitize(part, { keepLines: true }));
  if (typeof part === 'number') return String(part);
  return 'html' in part ? part.html : part.map(render).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
