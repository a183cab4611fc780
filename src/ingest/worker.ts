/** Worker thread of ingest: measures batches of records, and turns batches of kept texts into tokens. */
import { workerData } from 'piscina';
import { defineWorker, type WorkerPool } from '../core/pool.js';
import { TextTreatment, type TextTreatmentData } from '../filters/text-treatment.js';
import { loadTokenizer } from '../tokenizer/load.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { measureBatch, type MeasureResult, type MeasureTask } from './measure.js';
import type { ReadingConfig } from './reading.js';

/** Texts in UTF-8 end to end, to be encoded with the tokenizer at `tokenizer`. */
export interface TokenizeTask {
  readonly kind: 'tokenize';
  readonly tokenizer: string;
  readonly texts: Uint8Array;
  readonly ends: Int32Array;
}

/** Tokens of the texts end to end, without end-of-text; those of text i end before `ends[i]`. */
export interface TokenizeResult {
  readonly tokens: Uint32Array;
  readonly ends: Int32Array;
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

function tokenizeBatch(tokenizer: Tokenizer, task: TokenizeTask): TokenizeResult {
  const parts: Uint32Array[] = [];
  const ends = new Int32Array(task.ends.length);
  let start = 0;
  let total = 0;
  task.ends.forEach((end, index) => {
    const tokens = tokenizer.encode(task.texts.subarray(start, end), { allowedSpecial: 'none' });
    start = end;
    total += tokens.length;
    ends[index] = total;
    parts.push(tokens);
  });
  const tokens = new Uint32Array(total);
  let offset = 0;
  for (const part of parts) {
    tokens.set(part, offset);
    offset += part.length;
  }
  return { tokens, ends };
}

export default defineWorker(work, (result) =>
  'tokens' in result ? [result.tokens.buffer, result.ends.buffer] : [result.texts.buffer],
);
