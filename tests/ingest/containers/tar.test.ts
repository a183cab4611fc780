/** Tar archives: those of GNU tar in every format that it writes, damage, and records of members read again. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { cutRecords } from '../../../src/ingest/formats/cut.js';
import { layoutOf } from '../../../src/ingest/formats/detect.js';
import { readArchive } from '../../../src/ingest/formats/read-archive.js';
import { readRecordAt } from '../../../src/ingest/formats/record-at.js';
import type { Position, Source } from '../../../src/ingest/records.js';
import { sourceOf } from '../../support/cutting.js';
import { tarEnd as END, tarMember as member } from '../../support/tar.js';
import { gzipRecords, warcRecord } from '../../support/warc.js';

const file = (name: string): Buffer => readFileSync(new URL(`tar/${name}`, import.meta.url));
const LONG = `${'a-folder-with-a-name/'.repeat(6)}a-file-with-a-long-name-é.txt`;

interface Read {
  /** `MEMBER: TEXT` of records, `MEMBER: REASON` of bad ones, `REASON OFFSET+LENGTH` of the archive. */
  readonly lines: string[];
  readonly positions: Position[];
  /** Records that are not the same when they are read again by their place. */
  readonly different: string[];
}

async function read(source: Source, from?: Position): Promise<Read> {
  const lines: string[] = [];
  const positions: Position[] = [];
  const different: string[] = [];
  for await (const entry of readArchive(source, from)) {
    if (entry.kind === 'position') positions.push(entry.next);
    else if (entry.kind !== 'member') lines.push(`${entry.reason} ${entry.offset}+${entry.length}`);
    else {
      const { name, location } = entry.source;
      const member = name.slice(source.name.length + 1);
      const layout = layoutOf(entry.stream.head.content, name);
      for await (const record of cutRecords(entry.source, { ...layout, stream: entry.stream })) {
        if (record.kind === 'bad') lines.push(`${member}: ${record.reason}`);
        else {
          lines.push(`${member}: ${Buffer.from(record.bytes).toString().trim()}`);
          const again = await readRecordAt(location, record);
          if (!Buffer.from(again).equals(record.bytes)) different.push(member);
        }
      }
    }
  }
  return { lines, positions, different };
}

const TEXTS = ['plain.txt: a plain text', `${LONG}: at the end of a long path`];
const LINES = ['lines.jsonl.gz: {"text":"one"}', 'lines.jsonl.gz: {"text":"two"}'];

describe('archives of GNU tar', () => {
  it.each(['gnu.tar', 'posix.tar', 'ustar.tar'])('%s, as it is and compressed', async (name) => {
    for (const bytes of [file(name), gzipSync(file(name))]) {
      const { lines, positions, different } = await read(await sourceOf(bytes, name));
      expect(lines.map((line) => line.replace(/ \d+\+\d+$/, ''))).toEqual([
        ...TEXTS,
        ...LINES,
        'member-not-read',
        'member-not-read',
      ]);
      expect(different).toEqual([]);
      // plain, long, lines, image, hidden, empty
      expect(positions.length).toBe(6);
    }
  });

  it('of version 7, which has no mark', async () => {
    expect((await read(await sourceOf(file('v7.tar'), 'x'))).lines).toEqual([TEXTS[0], ...LINES]);
  });

  it('go on at the header of any member', async () => {
    for (const bytes of [file('posix.tar'), gzipSync(file('posix.tar'))]) {
      const source = await sourceOf(bytes, 'posix.tar');
      const { lines, positions } = await read(source);
      expect((await read(source, positions[1])).lines).toEqual(lines.slice(1));
      expect((await read(source, positions[2])).lines).toEqual(lines.slice(2));
      expect((await read(source, positions[5])).lines).toEqual([]);
    }
  });
});

describe('what members may be', () => {
  it('each has its own format and places, in the archive of another compression', async () => {
    const warc = [warcRecord('first text'), warcRecord('second text')];
    const packed = gzipRecords(warc);
    const bytes = Buffer.concat([
      member('crawl.warc.gz', packed),
      member('rows.csv', 'id,text\n1,"a\nb"\n'),
      member('rows.csv', 'id,text\n2,c\n'),
      END,
    ]);
    const source = await sourceOf(gzipSync(bytes), 'all.tar.gz');
    const { lines, different } = await read(source);
    expect(lines).toEqual([
      `crawl.warc.gz: ${warc[0].toString().trim()}`,
      `crawl.warc.gz: ${warc[1].toString().trim()}`,
      'rows.csv: 1,"a\nb"',
      // A second member of a name has another.
      `rows.csv@${bytes.length - END.length - 512}: 2,c`,
    ]);
    expect(different).toEqual([]);
  });

  it('Parquet, which takes a file', async () => {
    const parquet = readFileSync(new URL('../formats/parquet/pyarrow-zstd.parquet', import.meta.url));
    const source = await sourceOf(gzipSync(Buffer.concat([member('a.parquet', parquet), END])), 'a.tgz');
    const { lines, different } = await read(source);
    expect([lines.length, different]).toEqual([50, []]);
    expect(lines[3]).toContain('The text of row 3');
  });

  it('an archive in an archive, a sparse file, sizes in binary', async () => {
    const inner = Buffer.concat([member('a.txt', 'a'), END]);
    const binary = (header: Buffer): void => {
      header.fill(0, 124, 136);
      header[124] = 0x80;
      header[135] = 5;
    };
    const sparse = (header: Buffer): void => void header.write('S', 156);
    const bytes = Buffer.concat([
      member('a.tar', inner),
      member('inner.txt', inner),
      member('sparse.txt', 'hole', sparse),
      member('b.txt', 'binar', binary),
      END,
      member('behind.txt', 'the end'),
    ]);
    const { lines } = await read(await sourceOf(bytes, 'x.tar'));
    const end = (count: number): number => [0, 512 + inner.length, 2 * (512 + inner.length)][count];
    expect(lines).toEqual([
      `member-not-read 512+${inner.length}`,
      `member-archive ${end(1) + 512}+${inner.length}`,
      `garbage ${end(2)}+512`,
      'b.txt: binar',
      'behind.txt: the end',
    ]);
  });
});

describe('damage', () => {
  const parts = [member('a.txt', 'a'.repeat(600)), member('b.txt', 'b'), member('c.txt', 'c'), END];

  it('of a header: the bytes up to the next one are lost', async () => {
    const bytes = Buffer.concat(parts);
    bytes[parts[0].length + 3] ^= 1;
    const { lines } = await read(await sourceOf(bytes, 'x.tar'));
    expect(lines).toEqual([
      `a.txt: ${'a'.repeat(600)}`,
      `garbage ${parts[0].length}+${parts[1].length}`,
      'c.txt: c',
    ]);
  });

  it('an archive that ends in a member or in a header', async () => {
    const bytes = Buffer.concat(parts);
    const cut = async (end: number): Promise<string[]> =>
      (await read(await sourceOf(bytes.subarray(0, end), 'x.tar'))).lines;
    expect(await cut(700)).toEqual(['a.txt: truncated']);
    expect(await cut(parts[0].length + 100)).toEqual([
      `a.txt: ${'a'.repeat(600)}`,
      `truncated ${parts[0].length}+100`,
    ]);
  });

  it('a compressed archive that breaks off: the member is bad, and not taken for shorter', async () => {
    const noise = Buffer.from(
      Array.from({ length: 20_000 }, (_, i) => 33 + (((i * i * 7919) % 1_000_003) % 89)),
    );
    const packed = gzipSync(Buffer.concat([member('a.txt', 'a'), member('b.txt', noise), END]));
    const { lines } = await read(await sourceOf(packed.subarray(0, packed.length - 3000), 'x.tar.gz'));
    expect(lines[0]).toBe('a.txt: a');
    expect(lines[1]).toBe('b.txt: truncated');
  });
});
