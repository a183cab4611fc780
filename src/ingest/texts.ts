/** The texts of inputs, one a document, for commands that need texts and nothing else. */
import { stderrLog } from '../core/log.js';
import { readHead } from './containers/content.js';
import { startsWithTar } from './containers/tar.js';
import { cutRecords } from './formats/cut.js';
import { layoutOf } from './formats/detect.js';
import { readArchive } from './formats/read-archive.js';
import { parseRecord } from './formats/parse.js';
import { isWholeFile, type BadRecord, type CutRecord, type Layout, type Source } from './records.js';
import { expandInputs } from './sources/expand.js';

export interface NamedText {
  /** The document's own id where it has one, else where it is: `file` for a file that is one text, else `file:offset`. */
  readonly id: string;
  readonly text: string;
  readonly url: string | null;
  readonly payloadDigest?: string;
}

/** Reads inputs as ingest does; what is no document is left out, what is bad is reported on stderr. */
export async function* readNamedTexts(inputs: readonly string[]): AsyncGenerator<NamedText> {
  const { sources } = await expandInputs([...inputs]);
  for (const source of sources) yield* readNamedTextsOf(source);
}

/** The same of one source. */
export async function* readNamedTextsOf(input: Source): AsyncGenerator<NamedText> {
  for await (const { source, layout, record } of readRecords(input)) {
    const { format } = layout;
    const parsed = record.kind === 'bad' ? record : parseRecord(format, record.bytes, layout);
    if (parsed.kind === 'bad') reportBad(source, record.offset, parsed);
    if (parsed.kind !== 'document') continue;
    const { text, url, payloadDigest } = parsed;
    const id = parsed.id ?? (isWholeFile(format) ? source.name : `${source.name}:${record.offset}`);
    yield { id, text, url, payloadDigest };
  }
}

export function reportBad(
  { name }: Source,
  offset: number,
  { reason, detail }: { readonly reason: string; readonly detail: string },
): void {
  stderrLog(`${name}, byte ${offset}: ${reason}: ${detail}`);
}

interface ReadRecord {
  readonly source: Source;
  readonly layout: Layout;
  readonly record: CutRecord | BadRecord;
}

/** Records of a source, or of the members of an archive. */
async function* readRecords(source: Source): AsyncGenerator<ReadRecord> {
  const { content } = await readHead(source.location);
  if (!startsWithTar(content)) {
    const layout = layoutOf(content, source.name);
    for await (const record of cutRecords(source, layout)) yield { source, layout, record };
    return;
  }
  for await (const entry of readArchive(source)) {
    if (entry.kind === 'bad') yield { source, layout: { format: 'text' }, record: entry };
    if (entry.kind !== 'member') continue;
    const layout = layoutOf(entry.stream.head.content, entry.source.name);
    for await (const record of cutRecords(entry.source, { ...layout, stream: entry.stream })) {
      yield { source: entry.source, layout, record };
    }
  }
}
