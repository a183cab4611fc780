/**
 * The scanning kernel: `scan.wasm`, which the build makes from `assembly/`. One instance a thread, whose memory is laid out in
 * `layout.ts` and never grows, so that views of it stay valid. Where WebAssembly cannot be used everything is done in
 * TypeScript, with the same results.
 */
import { compileWasm } from '../../core/wasm.js';
import { END_AT } from './layout.js';

const PAGE_BYTES = 65536;

/** Functions of the module. */
interface KernelExports {
  readonly measureNgrams: (sequence: number, count: number, limit: number, skips: boolean) => void;
  readonly repeatedWords: (sequence: number, count: number, limit: number) => number;
}

export interface Kernel extends KernelExports {
  readonly memory: ArrayBuffer;
}

let instance: Kernel | null | undefined;
let isOff = false;

/** The kernel of this thread, null where it cannot be used. */
export function scanKernel(): Kernel | null {
  if (isOff) return null;
  instance = instance === undefined ? instantiate() : instance;
  return instance;
}

/** Runs `work` without the kernel: what it gives must be what the kernel gives. */
export function withoutKernel<Result>(work: () => Result): Result {
  isOff = true;
  try {
    return work();
  } finally {
    isOff = false;
  }
}

function instantiate(): Kernel | null {
  const module = compileWasm(import.meta.url, 'scan.wasm');
  if (module === null) return null;
  const pages = Math.ceil(END_AT / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { ...(exports as unknown as KernelExports), memory: memory.buffer as ArrayBuffer };
}
