/** A part of the mutations that `npm run bench -- fuzz` tries: none ends in anything but records and counted errors. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fuzzer, FUZZ_KINDS, type FuzzKind } from '../support/fuzz.js';

const SEEDS = 60;
/** Each takes a DuckDB of its own. */
const PARQUET_SEEDS = 6;
/** Bytes of each kind are few, so records can only be many where something is read again and again. */
const MAX_RECORDS = 2000;

describe('damaged inputs', () => {
  let fuzzer: Fuzzer;
  beforeAll(async () => {
    fuzzer = await Fuzzer.open();
  });
  afterAll(() => fuzzer.close());

  it.each(Object.keys(FUZZ_KINDS) as FuzzKind[])('%s', async (kind) => {
    let bad = 0;
    for (let seed = 0; seed < (kind === 'parquet' ? PARQUET_SEEDS : SEEDS); seed++) {
      const outcome = await fuzzer.run(kind, seed);
      expect(outcome.records, `seed ${seed}`).toBeLessThan(MAX_RECORDS);
      bad += outcome.bad;
    }
    // Hardly any change of a page makes it something else, and a cut-off file of lines is one of fewer lines.
    if (kind !== 'html') expect(bad).toBeGreaterThan(0);
  });
});
