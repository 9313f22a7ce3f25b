import type { RunState, Transfer } from '../events/run-state.ts';
import { parseImageRef } from '../model/image.ts';
import { count } from '../model/count.ts';
import { fitLine, type Painter, type Segment } from './paint.ts';
import { sanitize } from './sanitize.ts';
import { formatSeconds } from './seconds.ts';
import { displayWidth, truncate } from './width.ts';

interface Layout {
  readonly columns: number;
  readonly nowMs: number;
  readonly paint: Painter;
}

/** Images on their way: a line for each host, then their sum; at most `room` lines. Empty while there are none. */
export function transferLines(state: RunState, room: number, layout: Layout): string[] {
  const going = underWay(state, layout.nowMs);
  if (going.length === 0 || room < 1) return [];
  const space = room - 1;
  const shown = going.length <= space ? going : going.slice(0, Math.max(0, space - 1));
  const nameColumns = Math.min(
    Math.max(0, ...shown.map(({ host }) => displayWidth(sanitize(host)))),
    Math.floor(layout.columns / 3),
  );
  const rest = going.length - shown.length;
  const more = fitLine(
    [{ text: `   … and ${count(rest, 'host')} more`, style: 'dim' }],
    undefined,
    layout.columns,
    layout.paint,
  );
  return [
    ...shown.map((transfer) => hostLine(transfer, nameColumns, layout)),
    ...(rest > 0 && space > 0 ? [more] : []),
    sumLine(state, going, layout),
  ];
}

/**
 * All images on their way, in words: `pulling shop/app:1.5 on 12 hosts: 142 of 310 MB, 18 MB/s`. Undefined while there
 * are none.
 */
export function describeTransfers(state: RunState, nowMs: number): string | undefined {
  const going = underWay(state, nowMs);
  return going.length === 0 ? undefined : `${headOf(going)}: ${amountOf(sumOf(state, going))}`;
}

/** Told again every ten seconds at most: one that is not has failed. */
function underWay({ transfers }: RunState, nowMs: number): readonly Transfer[] {
  return transfers.filter(({ isDone, saidAtMs }) => !isDone && nowMs - saidAtMs < 15_000);
}

function hostLine(transfer: Transfer, nameColumns: number, { columns, nowMs, paint }: Layout): string {
  const name = truncate(sanitize(transfer.host), nameColumns);
  const left: Segment[] = [
    { text: ' ↓ ', style: 'cyan' },
    { text: name + ' '.repeat(nameColumns - displayWidth(name)), style: 'bold' },
    { text: '  ' },
    ...bar(transfer, columns),
    { text: amountOf(transfer), style: 'dim' },
  ];
  const elapsedMs = transfer.durationMs + Math.max(0, nowMs - transfer.saidAtMs);
  return fitLine(left, { text: formatSeconds(elapsedMs), style: 'dim' }, columns, paint);
}

function sumLine(state: RunState, going: readonly Transfer[], { columns, nowMs, paint }: Layout): string {
  const amount = amountOf(sumOf(state, going));
  const elapsedMs = Math.max(...going.map(({ durationMs, saidAtMs }) => durationMs + Math.max(0, nowMs - saidAtMs)));
  const elapsed = formatSeconds(elapsedMs);
  const whole = headOf(going);
  // On a narrow terminal the figures say more than the image's name.
  const fits = displayWidth(`${whole}: ${amount}  ${elapsed}`) + 4 <= columns;
  const left: Segment[] = [
    { text: ' ◷ ', style: 'cyan' },
    { text: fits ? whole : headOf(going, false), style: 'bold' },
    { text: `: ${amount}` },
  ];
  return fitLine(left, { text: elapsed, style: 'dim' }, columns, paint);
}

type Amount = Pick<Transfer, 'layers' | 'doneBytes' | 'totalBytes' | 'bytesPerSecond'>;

/** Of those that are there by now as well, so that it never falls. Bytes only where they are known of all. */
function sumOf({ transfers }: RunState, going: readonly Transfer[]): Amount {
  const all = transfers.filter((transfer) => transfer.isDone || going.includes(transfer));
  const total = (amountIn: (transfer: Transfer) => number | undefined): number =>
    all.reduce((sum, transfer) => sum + (amountIn(transfer) ?? 0), 0);
  const layers = {
    total: total((transfer) => transfer.layers?.total),
    fetched: total((transfer) => transfer.layers?.fetched),
    unpacked: total((transfer) => transfer.layers?.unpacked),
  };
  return {
    ...(layers.total > 0 ? { layers } : {}),
    ...(all.every(({ totalBytes }) => totalBytes !== undefined)
      ? {
          doneBytes: total(({ doneBytes }) => doneBytes),
          totalBytes: total(({ totalBytes }) => totalBytes),
          bytesPerSecond: going.reduce((sum, { bytesPerSecond = 0 }) => sum + bytesPerSecond, 0),
        }
      : {}),
  };
}

/** `pulling shop/app:1.5 on 12 hosts` */
function headOf(going: readonly Transfer[], isNamed = true): string {
  const ways = new Set(going.map(({ by }) => by));
  const verb = ways.size > 1 ? 'bringing' : ways.has('push') ? 'sending' : 'pulling';
  const names = new Set(going.map(({ image }) => nameOf(image)));
  const [name = ''] = names;
  const hosts = new Set(going.map(({ host }) => host)).size;
  const what = names.size === 1 ? sanitize(name) : `${names.size} images`;
  return `${verb} ${isNamed ? `${what} ` : ''}${verb === 'pulling' ? 'on' : 'to'} ${count(hosts, 'host')}`;
}

/** Without its registry and its digest: what people call it by. */
function nameOf(image: string): string {
  const { repository, tag } = parseImageRef(image) ?? {};
  if (repository === undefined) return image;
  return `${repository.replace(/^library\//, '')}${tag === undefined ? '' : `:${tag}`}`;
}

/** `142 of 310 MB, 18 MB/s`; `5 of 9 layers` where bytes are not known. */
function amountOf({ layers, doneBytes, totalBytes, bytesPerSecond }: Amount): string {
  const isFetched = totalBytes === undefined ? layers?.fetched === layers?.total : doneBytes === totalBytes;
  const isUnpacking = isFetched && layers !== undefined && layers.unpacked < layers.total;
  if (totalBytes === undefined || doneBytes === undefined) {
    if (layers === undefined) return '';
    const { total, fetched } = layers;
    return isUnpacking ? `${count(total, 'layer')}, unpacking` : `${fetched} of ${count(total, 'layer')}`;
  }
  if (isUnpacking) return `${formatBytes(totalBytes, totalBytes)}, unpacking`;
  const speed = bytesPerSecond === undefined || bytesPerSecond === 0 ? '' : `, ${formatSpeed(bytesPerSecond)}`;
  const done = formatBytes(doneBytes, totalBytes).replace(/ .*$/, '');
  return `${done} of ${formatBytes(totalBytes, totalBytes)}${speed}`;
}

/** In the unit that suits `of`. */
function formatBytes(bytes: number, of: number): string {
  if (of >= 10e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${(bytes / 1e6).toFixed(of >= 10e6 ? 0 : 1)} MB`;
}

function formatSpeed(bytesPerSecond: number): string {
  if (bytesPerSecond < 100_000) return `${(bytesPerSecond / 1000).toFixed(0)} kB/s`;
  return `${(bytesPerSecond / 1e6).toFixed(bytesPerSecond >= 9.95e6 ? 0 : 1)} MB/s`;
}

/** None where bytes are not known: it would show a share that nobody knows. */
function bar({ doneBytes, totalBytes }: Transfer, columns: number): readonly Segment[] {
  if (doneBytes === undefined || totalBytes === undefined) return [];
  const width = columns < 100 ? 12 : 32;
  const done = totalBytes === 0 ? width : Math.floor((doneBytes / totalBytes) * width);
  return [{ text: '█'.repeat(done), style: 'cyan' }, { text: '░'.repeat(width - done), style: 'dim' }, { text: '  ' }];
}
