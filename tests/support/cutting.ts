/** Cutting bytes as a test has them: writes them to a file, cuts it, reads records again. */
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cutRecords, type CutOptions } from '../../src/ingest/formats/cut.js';
import { readRecordAt } from '../../src/ingest/formats/record-at.js';
import type { BadRecord, CutRecord, Source } from '../../src/ingest/records.js';

let folder: Promise<string> | undefined;
let count = 0;

export async function sourceOf(bytes: Uint8Array | string, name = 'source'): Promise<Source> {
  folder ??= mkdtemp(join(tmpdir(), 'tokenmill-cut-'));
  count += 1;
  const location = join(await folder, `${count}-${name}`);
  await writeFile(location, bytes);
  return { name, location, size: bytes.length, modifiedMs: 0 };
}

export async function cutAll(source: Source, options: CutOptions = {}): Promise<(CutRecord | BadRecord)[]> {
  const records: (CutRecord | BadRecord)[] = [];
  for await (const record of cutRecords(source, options)) records.push(record);
  return records;
}

/** Everything about a record but its bytes, which are shown as their text. */
export function summary(record: CutRecord | BadRecord): Record<string, unknown> {
  if (record.kind === 'bad') return { ...record };
  const { bytes, ...rest } = record;
  return { ...rest, text: Buffer.from(bytes).toString('latin1') };
}

/** What went wrong and where, or the text, for comparing lists. */
export function outline(records: readonly (CutRecord | BadRecord)[]): string[] {
  return records.map((record) =>
    record.kind === 'bad'
      ? `${record.reason} ${record.space} ${record.offset}+${record.length}`
      : `record ${record.space} ${record.offset}+${record.length}`,
  );
}

/**
 * Whether cutting from the `next` of every record, or of each `every`th one, gives what followed, and it can be read
 * again. Returns what did not.
 */
export async function checkResumeAndReread(
  source: Source,
  options: CutOptions = {},
  every = 1,
): Promise<string[]> {
  const all = await cutAll(source, options);
  const wrong: string[] = [];
  for (const [index, record] of all.entries()) {
    if (index % every !== 0) continue;
    const rest = await cutAll(source, { ...options, from: record.next });
    const expected = JSON.stringify(all.slice(index + 1).map(summary));
    if (JSON.stringify(rest.map(summary)) !== expected)
      wrong.push(`resume behind ${index}: ${JSON.stringify(rest.map(summary))}, not ${expected}`);
    if (
      record.kind === 'record' &&
      !Buffer.from(await readRecordAt(source.location, record)).equals(record.bytes)
    ) {
      wrong.push(`record ${index} read again`);
    }
  }
  return wrong;
}
