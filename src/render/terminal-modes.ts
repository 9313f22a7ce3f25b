/** What a program may have set at a terminal and left so, with what undoes it: DEC's private modes, colours, key pads. */
const sequence =
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  /\u001b(?:\[\?([\d;]+)([hl])|\[[\d;:]*m|\[[>=]\d*[;\d]*[um]|[=>])/g;
/** Longer than any sequence that counts. */
const mostHeld = 64;

/** Modes that a terminal has before any program sets them; all others are off. */
const onByDefault: ReadonlySet<string> = new Set(['7', '25']);
/** In this order: what is drawn on the other screen stays there. */
const undoneFirst = ['1049', '1047', '47'];

/** Follows what goes to a terminal, to say in the end what brings it back to what it was. */
export class TerminalModes {
  readonly #changed = new Set<string>();
  #isColoured = false;
  #hasKeypad = false;
  #held = '';

  /** @param text the next of what was printed, cut anywhere */
  note(text: string): void {
    const all = this.#held + text;
    for (const [whole, modes, set] of all.matchAll(sequence)) {
      if (modes !== undefined) for (const mode of modes.split(';')) this.#set(mode, set === 'h');
      else if (whole === '\u001b=' || whole === '\u001b>') this.#hasKeypad = whole === '\u001b=';
      else if (whole.endsWith('m') && !/[>=]/.test(whole)) this.#isColoured = !/\[0*m$/.test(whole);
    }
    const begun = all.lastIndexOf('\u001b');
    this.#held = begun === -1 || all.length - begun > mostHeld ? '' : unfinished(all.slice(begun));
  }

  /** What a terminal is sent when the program is gone; empty where there is nothing to undo. */
  undo(): string {
    const modes = [...this.#changed].sort((a, b) => rank(a) - rank(b));
    return [
      ...modes.map((mode) => `\u001b[?${mode}${onByDefault.has(mode) ? 'h' : 'l'}`),
      ...(this.#hasKeypad ? ['\u001b>'] : []),
      ...(this.#isColoured ? ['\u001b[0m'] : []),
    ].join('');
  }

  #set(mode: string, isOn: boolean): void {
    if (isOn === onByDefault.has(mode)) this.#changed.delete(mode);
    // A program that sets thousands of modes is not to be followed for ever.
    else if (this.#changed.size < mostHeld && /^\d{1,5}$/.test(mode)) this.#changed.add(mode);
  }
}

function rank(mode: string): number {
  return undoneFirst.includes(mode) ? 0 : 1;
}

/** The beginning of a sequence, where its end is still to come. */
function unfinished(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  return /^\u001b(?:\[[?>=]?[\d;:]*)?$/.test(text) ? text : '';
}
