/**
 * A planned source -> batches, in order. An archive gives those of its members, each a source of its own, and between
 * them batches of the archive itself, which say how far it is read.
 */
import type { DedupConfig } from '../filters/dedup/settings.js';
import type { SourceProgress } from '../store/commits.js';
import { readHead } from './containers/content.js';
import { startsWithTar } from './containers/tar.js';
import { batchSource, archiveBatch, type Batch } from './batches.js';
import { cutRecords } from './formats/cut.js';
import { layoutOf } from './formats/detect.js';
import { readArchive } from './formats/read-archive.js';
import { layoutOfProgress, type PlannedSource } from './plan.js';
import type { FieldNames, Format, Position } from './records.js';

export interface ReadOptions {
  /** What a person said of the inputs. */
  readonly known: { readonly format?: Format; readonly fields?: FieldNames };
  readonly dedup: DedupConfig;
  readonly progressOf: (name: string) => SourceProgress | undefined;
}

export async function* readBatches(planned: PlannedSource, options: ReadOptions): AsyncGenerator<Batch> {
  const { source, from } = planned;
  let { layout } = planned;
  if (layout === undefined) {
    const head = await readHead(source.location);
    layout = startsWithTar(head.content)
      ? { format: 'tar' }
      : layoutOf(head.content, source.name, options.known);
  }
  if (layout.format === 'tar') yield* readArchiveBatches(planned, options);
  else yield* batchSource(source, layout, cutRecords(source, { ...layout, from }), options.dedup);
}

async function* readArchiveBatches(
  { source: archive, from }: PlannedSource,
  { known, dedup, progressOf }: ReadOptions,
): AsyncGenerator<Batch> {
  let next: Position | null = from ?? null;
  for await (const entry of readArchive(archive, from)) {
    if (entry.kind !== 'member') {
      next = entry.next;
      yield archiveBatch(archive, entry.kind === 'position' ? [] : [entry], next, dedup);
      continue;
    }
    const { source, stream } = entry;
    const progress = progressOf(source.name);
    if (progress?.finished === true) continue;
    const position = (progress?.position as Position | null | undefined) ?? undefined;
    const memberLayout =
      progress === undefined ? layoutOf(stream.head.content, source.name, known) : layoutOfProgress(progress);
    const records = cutRecords(source, { ...memberLayout, from: position, stream });
    for await (const batch of batchSource(source, memberLayout, records, dedup)) {
      yield { ...batch, archive: archive.name };
    }
  }
  yield { ...archiveBatch(archive, [], next, dedup), last: true };
}
