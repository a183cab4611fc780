/**
 * Documents that were decided about and wait for their tokens, in order, with the texts of those that are kept. Texts
 * are copied out of the buffers that they were measured in, into batches of the size that goes to a worker at once, so
 * that a few kept texts do not hold the buffers of whole batches of records.
 */
import { concatenate } from '../core/bytes.js';
import type { Decision } from './window.js';

/** Text that goes to a worker for tokens at once. */
const BATCH_BYTES = 1_000_000;

export interface DecidedBatch {
  readonly decisions: readonly Decision[];
  /** UTF-8 of the kept ones end to end; text j ends before `ends[j]`. */
  readonly texts: Uint8Array<ArrayBuffer>;
  readonly ends: Int32Array<ArrayBuffer>;
}

export class DecidedDocuments {
  /** Of texts. */
  bytes = 0;
  kept = 0;
  private batches: DecidedBatch[] = [];

  /** @param textOf of a document that is kept */
  add(decisions: readonly Decision[], textOf: (ordinal: number) => Uint8Array): void {
    let texts: Uint8Array[] = [];
    let bytes = 0;
    let start = 0;
    const close = (end: number): void => {
      const { bytes: joined, ends } = concatenate(texts);
      this.batches.push({ decisions: decisions.slice(start, end), texts: joined, ends });
      this.bytes += bytes;
      this.kept += texts.length;
      texts = [];
      bytes = 0;
      start = end;
    };
    decisions.forEach(({ ordinal, verdict }, index) => {
      if (verdict === 'drop') return;
      const text = textOf(ordinal);
      if (texts.length > 0 && bytes + text.length > BATCH_BYTES) close(index);
      texts.push(text);
      bytes += text.length;
    });
    if (start < decisions.length) close(decisions.length);
  }

  /** Texts of the kept documents, in order. */
  *texts(): Generator<Uint8Array> {
    for (const { texts, ends } of this.batches) {
      let start = 0;
      for (const end of ends) {
        yield texts.subarray(start, end);
        start = end;
      }
    }
  }

  /** Hands all batches over. */
  take(): DecidedBatch[] {
    const { batches } = this;
    this.batches = [];
    this.bytes = 0;
    this.kept = 0;
    return batches;
  }
}
