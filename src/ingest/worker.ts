/** Worker thread of ingest: measures batches of records, and turns batches of kept texts into tokens. */
import { workerData } from 'piscina';
import { defineWorker, type WorkerPool } from '../core/pool.js';
import { TextTreatment, type TextTreatmentData } from '../filters/text-treatment.js';
import { loadTokenizer } from '../tokenizer/load.js';
import { shardTokens, type ShardTokens } from '../store/shards.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { measureBatch, type MeasureResult, type MeasureTask } from './measure.js';
import type { ReadingConfig } from './reading.js';

/** Texts in UTF-8 end to end, to be encoded with the tokenizer at `tokenizer`. */
export interface TokenizeTask {
  readonly kind: 'tokenize';
  readonly tokenizer: string;
  readonly endOfTextId: number;
  readonly texts: Uint8Array<ArrayBuffer>;
  readonly ends: Int32Array<ArrayBuffer>;
}

/** Tokens of the texts end to end, each with its end-of-text; those of text i end before `ends[i]`. */
export interface TokenizeResult {
  readonly tokens: ShardTokens;
  readonly ends: Int32Array;
  /** The texts, which come back as they went. */
  readonly texts: Uint8Array<ArrayBuffer>;
  readonly textEnds: Int32Array<ArrayBuffer>;
}

export type IngestPool = WorkerPool<MeasureTask | TokenizeTask, MeasureResult | TokenizeResult>;

/** What is the same for all tasks of a run. */
export interface IngestWorkerData {
  readonly treatment: TextTreatmentData;
  readonly reading: ReadingConfig;
}

const { treatment: treatmentData, reading } = workerData as IngestWorkerData;
const treatment = new TextTreatment(treatmentData);

let loaded: { path: string; tokenizer: Tokenizer } | undefined;

async function work(task: MeasureTask | TokenizeTask): Promise<MeasureResult | TokenizeResult> {
  if (task.kind === 'measure') return measureBatch(task, treatment, reading);
  if (loaded?.path !== task.tokenizer) {
    loaded = { path: task.tokenizer, tokenizer: await loadTokenizer(task.tokenizer) };
  }
  return tokenizeBatch(loaded.tokenizer, task);
}

function tokenizeBatch(
  tokenizer: Tokenizer,
  { texts, ends: textEnds, endOfTextId }: TokenizeTask,
): TokenizeResult {
  const parts: Uint32Array[] = [];
  const ends = new Int32Array(textEnds.length);
  let start = 0;
  let total = 0;
  textEnds.forEach((end, index) => {
    const tokens = tokenizer.encode(texts.subarray(start, end), { allowedSpecial: 'none' });
    start = end;
    total += tokens.length + 1;
    ends[index] = total;
    parts.push(tokens);
  });
  const tokens = shardTokens(tokenizer.vocabSize, total);
  let offset = 0;
  for (const part of parts) {
    tokens.set(part, offset);
    offset += part.length + 1;
    tokens[offset - 1] = endOfTextId;
  }
  return { tokens, ends, texts, textEnds };
}

export default defineWorker(work, (result) =>
  'tokens' in result
    ? [result.tokens.buffer, result.ends.buffer, result.texts.buffer, result.textEnds.buffer]
    : [result.texts.buffer],
);
