/** Pre-tokens of a text, as strings, for tests. */
import { END_BYTE } from '../../src/tokenizer/scan/classes.js';
import type { PatternName } from '../../src/tokenizer/patterns.js';
import { PADDING, type Scanner } from '../../src/tokenizer/scan/scanner.js';
import { wasmScanArea } from '../../src/tokenizer/wasm/scan-area.js';

/** The scanner in WebAssembly; throws where there is none. */
export function wasmScanner(pattern: PatternName): Scanner {
  const area = wasmScanArea(pattern);
  if (area === undefined) throw new Error('WebAssembly cannot be used');
  return ({ bytes }, end, final, ends) => {
    area.text.bytes.set(bytes.subarray(0, end));
    const count = area.scan(end, final);
    ends.set(area.ends.subarray(0, count));
    return count;
  };
}

export function scanBytes(scanner: Scanner, text: Uint8Array, final: boolean): Uint8Array[] {
  const bytes = new Uint8Array(text.length + PADDING);
  bytes.set(text);
  bytes[text.length] = END_BYTE;
  const ends = new Int32Array(text.length);
  const count = scanner({ bytes, view: new DataView(bytes.buffer) }, text.length, final, ends);
  return Array.from(ends.subarray(0, count), (end, index) =>
    text.subarray(index === 0 ? 0 : ends[index - 1], end),
  );
}

export function scanText(scanner: Scanner, text: string): string[] {
  return scanBytes(scanner, new TextEncoder().encode(text), true).map((piece) =>
    Buffer.from(piece).toString(),
  );
}
