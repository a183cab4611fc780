/**
 * The part of ingest that runs in worker threads: records -> documents with text, signals and MinHash signature.
 * Pure: the same batch gives the same result whichever thread takes it.
 */
import { concatenate } from '../core/bytes.js';
import { eachWithin } from '../core/time-limit.js';
import { measureForDedup, type DedupMeasures } from '../filters/dedup/measure.js';
import type { DedupConfig } from '../filters/dedup/settings.js';
import { detectLanguage } from '../filters/language/detect.js';
import { NO_TREATMENT, TextTreatment } from '../filters/text-treatment.js';
import { measureSignals, type SignalValues } from '../filters/signals/index.js';
import { normalizedTextHash } from '../filters/dedup/text-hash.js';
import { DEFAULT_READING, type ReadingConfig } from './reading.js';
import type { BadDocument, Layout, PageInfo } from './records.js';
import { parseRecord } from './formats/parse.js';

/** Records of one source: `bytes` end to end, record i ends before `ends[i]`. */
export interface MeasureTask {
  readonly kind: 'measure';
  readonly layout: Layout;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: Int32Array<ArrayBuffer>;
  readonly dedup: DedupConfig;
}

export interface MeasuredDocument {
  readonly kind: 'document';
  readonly url: string | null;
  readonly date: string | null;
  readonly title: string | null;
  readonly mime: string | null;
  readonly charset: string | null;
  readonly page: PageInfo | undefined;
  /** As the document declares it; `language` is what its text is in. */
  readonly declaredLanguage: string | null;
  readonly language: string;
  readonly languageScore: number;
  readonly textHash: string;
  readonly signals: SignalValues;
  readonly dedup: DedupMeasures;
}

export type Measured =
  | MeasuredDocument
  | { readonly kind: 'other'; readonly reason: string }
  | { readonly kind: 'bad'; readonly reason: string; readonly detail: string };

/** One entry of `items` a record, one of `textEnds` a document. */
export interface MeasureResult {
  readonly items: Measured[];
  /** UTF-8 texts of the documents end to end; text j ends before `textEnds[j]`. */
  readonly texts: Uint8Array;
  readonly textEnds: Int32Array;
}

/**
 * @param treatment what is done to the texts after they were measured
 * @param reading how records are read into texts, and how long one may take
 */
export function measureBatch(
  task: MeasureTask,
  treatment: TextTreatment = new TextTreatment(NO_TREATMENT),
  reading: ReadingConfig = DEFAULT_READING,
): MeasureResult {
  const items: Measured[] = [];
  const texts: Uint8Array[] = [];
  const encoder = new TextEncoder();
  const seconds = reading.timeout_seconds;
  const { layout } = task;
  const documents = eachWithin(seconds * 1000, task.ends.length, (index) => {
    const start = index === 0 ? 0 : task.ends[index - 1];
    return parseRecord(layout.format, task.bytes.subarray(start, task.ends[index]), { ...layout, reading });
  });
  for (const parsed of documents) {
    if (parsed === undefined) {
      items.push(tooSlow(seconds));
      continue;
    }
    if (parsed.kind !== 'document') {
      items.push(parsed);
      continue;
    }
    const { language, score } = detectLanguage(parsed.text);
    const signals = measureSignals(parsed.text, { url: parsed.url, language, lists: treatment.lists });
    const text = treatment.apply(parsed.text);
    const utf8 = encoder.encode(text);
    const textHash = normalizedTextHash(text, utf8);
    items.push({
      kind: 'document',
      url: parsed.url,
      date: parsed.date,
      title: parsed.title,
      mime: parsed.mime,
      charset: parsed.charset,
      page: parsed.page,
      declaredLanguage: parsed.language,
      language,
      languageScore: score,
      textHash,
      signals,
      dedup: measureForDedup({ ...parsed, text, textHash }, task.dedup),
    });
    texts.push(utf8);
  }
  const { bytes, ends } = concatenate(texts);
  return { items, texts: bytes, textEnds: ends };
}

function tooSlow(seconds: number): BadDocument {
  return { kind: 'bad', reason: 'extract-timeout', detail: `not read within ${seconds} seconds` };
}
