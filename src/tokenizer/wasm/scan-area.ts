/** Cutting text into pre-tokens in WebAssembly, for what does not encode it. */
import type { ScanArea } from '../bpe/chunks.js';
import type { Pattern, PatternName } from '../patterns.js';
import { CLASS_BLOCKS, END_BYTE } from '../scan/classes.js';
import {
  BLOCK_OF_AT,
  BLOCKS_AT,
  BYTE_TOKENS_AT,
  CHUNK_BYTES,
  ENDS_AT,
  SCAN_CL100K,
  SCAN_GPT2,
  SCAN_O200K,
  SCAN_QWEN,
  TEXT_AT,
  TEXT_PADDING,
} from './layout.js';
import { instantiate, wasmMemory } from './module.js';

export const SCAN_NUMBERS: Readonly<Record<PatternName, number>> = {
  gpt2: SCAN_GPT2,
  cl100k: SCAN_CL100K,
  llama3: SCAN_CL100K,
  qwen: SCAN_QWEN,
  o200k: SCAN_O200K,
};

/** Puts the classes of code points where scanners look for them. */
export function writeClasses(memory: Uint8Array): void {
  memory.set(CLASS_BLOCKS.blockOf, BLOCK_OF_AT);
  memory.set(CLASS_BLOCKS.blocks, BLOCKS_AT);
}

/** An area for a chunk, undefined where the pattern has no scanner here or WebAssembly cannot be used. */
export function wasmScanArea(pattern: Pattern): ScanArea | undefined {
  const memory = typeof pattern === 'string' ? wasmMemory(BYTE_TOKENS_AT) : null;
  if (typeof pattern !== 'string' || memory === null) return undefined;
  const { buffer } = memory;
  writeClasses(new Uint8Array(buffer));
  const unused = (): never => {
    throw new Error('scanning does not merge');
  };
  const exports = instantiate(memory, { mergeLong: unused, wholePiece: unused });
  const number = SCAN_NUMBERS[pattern];
  const bytes = new Uint8Array(buffer, TEXT_AT, CHUNK_BYTES + TEXT_PADDING);
  return {
    text: { bytes, view: new DataView(buffer, TEXT_AT, CHUNK_BYTES + TEXT_PADDING) },
    ends: new Int32Array(buffer, ENDS_AT, CHUNK_BYTES),
    scan(length, final) {
      bytes.fill(END_BYTE, length, length + TEXT_PADDING);
      return exports.scanOffsets(number, length, final);
    },
  };
}
