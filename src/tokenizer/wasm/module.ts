/**
 * The compiled encoder: `encoder.wasm`, which the build makes from `assembly/`. Its memory is laid out in `layout.ts`.
 */
import { compileWasm } from '../../core/wasm.js';

/** Functions of the module; texts and results are in its memory. */
export interface WasmExports {
  readonly configurePairs: (
    slotsAt: number,
    filterAt: number,
    resultsAt: number,
    shift: number,
    filterShift: number,
  ) => void;
  readonly configureWhole: (asks: boolean) => void;
  /** Number of pre-tokens in the text of `length` bytes; their ends are offsets into it. */
  readonly scanOffsets: (pattern: number, length: number, final: boolean) => number;
  /** Number of tokens. */
  readonly encode: (pattern: number, length: number, final: boolean) => number;
  /** Bytes that the last call dealt with. */
  readonly consumedBytes: () => number;
}

export interface WasmImports {
  readonly mergeLong: (start: number, length: number, out: number) => number;
  readonly wholePiece: (start: number, length: number) => number;
}

const PAGE_BYTES = 65536;

let compiled: WebAssembly.Module | null | undefined;

/** The module, null where it cannot be used: then everything is done in TypeScript, with the same results. */
function wasmModule(): WebAssembly.Module | null {
  compiled = compiled === undefined ? compileWasm(import.meta.url, 'encoder.wasm') : compiled;
  return compiled;
}

/** A memory of at least `bytes` for `instantiate`, null where WebAssembly cannot be used. */
export function wasmMemory(bytes: number): WebAssembly.Memory | null {
  if (wasmModule() === null) return null;
  const pages = Math.ceil(bytes / PAGE_BYTES);
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

export function instantiate(memory: WebAssembly.Memory, imports: WasmImports): WasmExports {
  const module = wasmModule() as WebAssembly.Module;
  return new WebAssembly.Instance(module, { env: { memory, ...imports } }).exports as unknown as WasmExports;
}
