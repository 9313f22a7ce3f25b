/** What `docker pull` says of one layer. */
export interface LayerSeen {
  /** `here`: the host had it before. */
  readonly state: 'coming' | 'fetched' | 'unpacked' | 'here';
  /** Where docker tells: bytes by now and in all, rounded to four digits. Both are the same once it is there. */
  readonly bytes?: { readonly done: number; readonly total: number };
}

/** Layers by the first twelve digits of their digests, as docker calls them. */
export type LayersSeen = ReadonlyMap<string, LayerSeen>;

/** Docker itself takes at most 127. */
export const mostLayers = 512;
/** No line about a layer is longer. */
export const mostLineLength = 200;

const states: Readonly<Record<string, LayerSeen['state']>> = {
  'Pulling fs layer': 'coming',
  Waiting: 'coming',
  Downloading: 'coming',
  'Verifying Checksum': 'coming',
  'Download complete': 'fetched',
  Extracting: 'fetched',
  'Pull complete': 'unpacked',
  'Already exists': 'here',
};

const layerLine =
  /^([0-9a-f]{12}): (Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Pull complete|Already exists|Retrying in \d+ seconds?)\b(.*)$/;
// With the bar that docker draws where a terminal has a width.
const amounts = /^\s+(?:\[[=> ]*\]\s+)?(\d{1,4}(?:\.\d{1,3})?)([kMG]?B)\/(\d{1,4}(?:\.\d{1,3})?)([kMG]?B)\s*$/;
const unitBytes: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

// At a terminal docker returns to the beginning of a line instead.
const lineEnd = /[\r\n]+/;

/** Reads the layers from what `docker pull` prints, as it comes. What is no line about a layer is passed over. */
export class PullReader {
  readonly #layers = new Map<string, LayerSeen>();
  #held = '';
  #tellsBytes = false;

  /** It has said of a layer how much of it is there: not only once it was there as a whole. */
  get tellsBytes(): boolean {
    return this.#tellsBytes;
  }

  get layers(): LayersSeen {
    return this.#layers;
  }

  read(chunk: Buffer): void {
    const lines = (this.#held + chunk.toString('latin1')).split(lineEnd);
    // Of what does not end no more is kept than can be a line: then it is none.
    this.#held = (lines.pop() ?? '').slice(-mostLineLength - 1);
    for (const line of lines) if (line.length <= mostLineLength) this.#see(line);
  }

  #see(line: string): void {
    const [, id = '', word = '', rest = ''] = layerLine.exec(line) ?? [];
    if (id === '' || (!this.#layers.has(id) && this.#layers.size >= mostLayers)) return;
    const state = states[word] ?? 'coming';
    const told = word === 'Downloading' ? bytesOf(rest) : undefined;
    this.#tellsBytes ||= told !== undefined;
    const bytes = told ?? this.#layers.get(id)?.bytes;
    if (bytes === undefined) this.#layers.set(id, { state });
    else this.#layers.set(id, { state, bytes: state === 'coming' ? bytes : { ...bytes, done: bytes.total } });
  }
}

function bytesOf(text: string): LayerSeen['bytes'] {
  const [, done = '', doneUnit = '', total = '', totalUnit = ''] = amounts.exec(text) ?? [];
  if (total === '') return undefined;
  const bytes = (amount: string, unit: string): number => Math.round(Number(amount) * (unitBytes[unit] ?? 1));
  return { done: bytes(done, doneUnit), total: bytes(total, totalUnit) };
}

/** What `docker pull` has printed besides its progress: why it failed, where it says so on stdout. */
export function withoutProgress(stdout: string): string {
  const lines = stdout.split(lineEnd);
  return lines.filter((line) => line !== '' && !layerLine.test(line) && !/: Pulling from \S+$/.test(line)).join('\n');
}

/** How far a pull has come. Layers that the host had before count for nothing. */
export interface PullSum {
  readonly layers: { readonly total: number; readonly fetched: number; readonly unpacked: number };
  /** Undefined unless the size of each of them is known. */
  readonly bytes?: { readonly done: number; readonly total: number };
}

/** Sizes of layers by their digests (`sha256:…`), as the image's manifest has them. */
export type LayerSizes = ReadonlyMap<string, number>;

/** @param sizes undefined where nobody could tell */
export function sumOfPull(seen: LayersSeen, sizes: LayerSizes | undefined): PullSum {
  const short = new Map(
    [...(sizes ?? [])].map(([digest, bytes]) => [digest.replace(/^sha256:/, '').slice(0, 12), bytes]),
  );
  const layers = { total: 0, fetched: 0, unpacked: 0 };
  const bytes = { done: 0, total: 0 };
  let isKnown = true;
  for (const [id, { state, bytes: told }] of seen) {
    if (state === 'here') continue;
    layers.total += 1;
    if (state === 'unpacked') layers.unpacked += 1;
    if (state !== 'coming') layers.fetched += 1;
    const size = short.get(id) ?? told?.total;
    if (size === undefined) isKnown = false;
    else {
      bytes.total += size;
      bytes.done += state === 'coming' ? Math.min(told?.done ?? 0, size) : size;
    }
  }
  return isKnown && layers.total > 0 ? { layers, bytes } : { layers };
}
