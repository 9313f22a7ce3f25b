import type { Painter, Style } from './paint.ts';
import { sanitize } from './sanitize.ts';
import { displayWidth, padEnd } from './width.ts';

interface Shown {
  readonly host: string;
  readonly service: string;
  readonly time: string;
  readonly text: string;
}

const styles: readonly Style[] = ['cyan', 'green', 'yellow', 'bold'];

/** Lines with whose they are in front, in columns: `h1 app  | text`. Each host has a colour of its own. */
export class LogLines {
  readonly #paint: Painter;
  readonly #showsTimes: boolean;
  readonly #colours = new Map<string, Style>();
  #width = 0;

  constructor(paint: Painter, showsTimes: boolean) {
    this.#paint = paint;
    this.#showsTimes = showsTimes;
  }

  /** Who will be heard. */
  expect(sources: readonly Pick<Shown, 'host' | 'service'>[]): void {
    this.#width = Math.max(0, ...sources.map((source) => displayWidth(nameOf(source))));
    for (const { host } of sources) this.#styleOf(host);
  }

  /** With its line end. */
  format({ host, service, time, text }: Shown): string {
    const name = padEnd(nameOf({ host, service }), this.#width);
    const stamp = this.#showsTimes ? `${sanitize(time)} ` : '';
    return `${this.#paint(this.#styleOf(host), `${name} |`)} ${stamp}${sanitize(text)}\n`;
  }

  #styleOf(host: string): Style {
    const style = this.#colours.get(host) ?? styles[this.#colours.size % styles.length] ?? 'cyan';
    this.#colours.set(host, style);
    return style;
  }
}

const nameOf = ({ host, service }: Pick<Shown, 'host' | 'service'>): string => `${sanitize(host)} ${sanitize(service)}`;
