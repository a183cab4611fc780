/**
 * Seeded mutations of inputs of every kind, read as ingest reads them. A seed decides everything, so that what fails
 * once can be looked at again.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { Random } from '../../src/core/random.js';
import { readHead } from '../../src/ingest/containers/content.js';
import { startsWithTar } from '../../src/ingest/containers/tar.js';
import { cutRecords } from '../../src/ingest/formats/cut.js';
import { layoutOf } from '../../src/ingest/formats/detect.js';
import { parseRecord } from '../../src/ingest/formats/parse.js';
import { readArchive } from '../../src/ingest/formats/read-archive.js';
import type { BadRecord, CutRecord, Layout, Source } from '../../src/ingest/records.js';
import { gzipRecords, warcRecord, warcResponse } from './warc.js';

const file = (path: string): Buffer => readFileSync(new URL(`../ingest/${path}`, import.meta.url));

const PAGE = `<!doctype html><html lang="en"><head><title>A page</title><meta charset="utf-8"></head><body><nav><ul><li><a
href="/">Home</a></ul></nav><article><h1>A page</h1><p>Some text that is long enough to be a paragraph of a page.</p>
<table><tr><td>one<td>two</table><pre>code  here</pre><p>More &amp; more text, also &#8364; and &nosuch; things.</p>
<!-- a comment --><script>if (a < b) x("</p>")</script></article><footer>Foot</footer></body></html>`;
const chunked = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
const HTML = { 'Content-Type': 'text/html; charset=utf-8' };
const RECORDS = [
  warcRecord('software: x', { type: 'warcinfo', contentType: 'application/warc-fields' }),
  warcResponse(PAGE),
  warcResponse(chunked(gzipSync(PAGE)), {
    ...HTML,
    'Content-Encoding': 'gzip',
    'Transfer-Encoding': 'chunked',
  }),
  warcResponse(deflateSync(PAGE), { ...HTML, 'Content-Encoding': 'deflate' }),
  warcResponse(brotliCompressSync(PAGE), { ...HTML, 'Content-Encoding': 'br' }),
  warcRecord('A text that was converted.\n'),
];
const LINES = Array.from(
  { length: 12 },
  (_, i) =>
    `${JSON.stringify({ id: i, text: `line ${i} "quoted" \u00e9`, meta: { url: `http://x/${i}` } })}\n`,
).join('');
const ROWS = `id,text\n${Array.from({ length: 12 }, (_, i) => `${i},"row ${i}, ""quoted""\nand more"\n`).join('')}`;

/** What is mutated, by kind: the name that it has, and its bytes. */
export const FUZZ_KINDS = {
  warc: ['a.warc', Buffer.concat(RECORDS)],
  'warc.gz': ['a.warc.gz', gzipRecords(RECORDS)],
  gzip: ['a.jsonl.gz', gzipSync(LINES)],
  jsonl: ['a.jsonl', Buffer.from(LINES)],
  html: ['a.html', Buffer.from(PAGE)],
  csv: ['a.csv', Buffer.from(ROWS)],
  tar: ['a.tar', file('containers/tar/gnu.tar')],
  'tar.gz': ['a.tar.gz', gzipSync(file('containers/tar/posix.tar'))],
  bzip2: ['a.txt.bz2', file('containers/bzip2/text.bz2').subarray(0, 14_000)],
  zstd: ['a.txt.zst', file('containers/frames/check.zst')],
  lz4: ['a.txt.lz4', file('containers/frames/block-sums.lz4')],
  parquet: ['a.parquet', file('formats/parquet/pyarrow-zstd.parquet')],
} as const satisfies Record<string, readonly [string, Buffer]>;

export type FuzzKind = keyof typeof FUZZ_KINDS;

/** Numbers that lengths and counts are often wrong by. */
const EDGES = [0, 1, 0x7f, 0x80, 0xff];

/** One to eight changes: bits, bytes, ranges that go, come twice, come from elsewhere, or are noise, and a cut-off end. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let out = Buffer.from(bytes);
  for (let changes = 1 + random.below(8); changes > 0 && out.length > 0; changes--) {
    const at = random.below(out.length);
    const length = 1 + random.below(Math.min(200, out.length - at));
    const [before, range, after] = [
      out.subarray(0, at),
      out.subarray(at, at + length),
      out.subarray(at + length),
    ];
    switch (random.below(8)) {
      case 0:
        out[at] ^= 1 << random.below(8);
        break;
      case 1:
        out[at] = random.pick(EDGES);
        break;
      case 2:
        out = Buffer.concat([before, after]);
        break;
      case 3:
        out = Buffer.concat([before, range, range, after]);
        break;
      case 4: {
        const from = random.below(out.length);
        out = Buffer.concat([before, out.subarray(from, from + length), after]);
        break;
      }
      case 5:
        out = Buffer.concat([before, Buffer.from(range.map(() => random.below(256))), after]);
        break;
      case 6:
        out.fill(random.pick(EDGES), at, at + length);
        break;
      default:
        // Rarely, because it takes away what the other changes are tried on.
        if (random.below(4) === 0) out = Buffer.from(before);
        else out[at] = random.below(256);
    }
  }
  return out;
}

export interface Outcome {
  readonly records: number;
  readonly documents: number;
  readonly bad: number;
}

export class Fuzzer {
  private readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Fuzzer> {
    return new Fuzzer(await mkdtemp(join(tmpdir(), 'tokenmill-fuzz-')));
  }

  /** Reads mutation `seed` of a kind. Throws where reading does. */
  async run(kind: FuzzKind, seed: number): Promise<Outcome> {
    const [name, bytes] = FUZZ_KINDS[kind];
    const location = join(this.folder, name);
    const kinds = Object.keys(FUZZ_KINDS);
    const mutated = mutate(bytes, new Random(seed * kinds.length + kinds.indexOf(kind)));
    await writeFile(location, mutated);
    const source: Source = { name, location, size: mutated.length, modifiedMs: null };
    const outcome = { records: 0, documents: 0, bad: 0 };
    for await (const [layout, record] of readAll(source)) {
      outcome.records += 1;
      const parsed = record.kind === 'bad' ? record : parseRecord(layout.format, record.bytes, layout);
      if (parsed.kind === 'document') outcome.documents += 1;
      if (parsed.kind === 'bad') outcome.bad += 1;
    }
    return outcome;
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function* readAll(source: Source): AsyncGenerator<[Layout, CutRecord | BadRecord]> {
  const { content } = await readHead(source.location);
  if (!startsWithTar(content)) {
    const layout = layoutOf(content, source.name);
    for await (const record of cutRecords(source, layout)) yield [layout, record];
    return;
  }
  for await (const entry of readArchive(source)) {
    if (entry.kind === 'bad') yield [{ format: 'text' }, entry];
    if (entry.kind !== 'member') continue;
    const layout = layoutOf(entry.stream.head.content, entry.source.name);
    for await (const record of cutRecords(entry.source, { ...layout, stream: entry.stream })) {
      yield [layout, record];
    }
  }
}
