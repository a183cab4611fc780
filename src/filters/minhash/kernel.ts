/**
 * The two inner loops of MinHash as a WebAssembly module, assembled here from its instructions, so that there is
 * nothing to compile and no binary to keep: `permute32` (Tokenmill's signatures, 4 lanes of 32 bits) and `permute61`
 * (datatrove's, 64-bit integers, which JavaScript lacks).
 *
 * One page of memory is shared by both. A block of shingles goes in, at least one; the minima stay from call to call.
 */
import {
  statements,
  I32,
  I64,
  V128,
  section,
  name,
  code,
  get,
  set,
  i32,
  i64,
  I64_ADD,
  I64_SUB,
  I64_MUL,
  I64_AND,
  I64_SHIFT_RIGHT,
  I64_LESS,
  I64_AT_LEAST,
  SELECT,
  i64Load,
  i64Store,
  v128Load,
  v128Load32Splat,
  v128Store,
  I32X4_ADD,
  I32X4_MUL,
  I32X4_MIN,
  loop,
} from './instructions.js';
import { MAX_PERMUTATIONS } from './parameters.js';

/** Shingles of one call. */
export const BLOCK = 2048;
/** Permutations that `permute32` works on at once; their number is rounded up to a multiple. */
const GROUP = 16;

// Places in memory, in bytes: 40 kB of the page of 64. permute61 has 8 bytes a shingle where permute32 has two times 4.
const LOW = 0;
const HIGH = BLOCK * 4;
const MULTIPLIERS = BLOCK * 8;
const ADDENDS = MULTIPLIERS + MAX_PERMUTATIONS * 8;
const MINIMA = ADDENDS + MAX_PERMUTATIONS * 8;

/** What is used of the global of that name; TypeScript has its types with those of browsers only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  permute32(shingles: number, permutations: number): void;
  permute61(shingles: number, permutations: number): void;
}

const exports = new WebAssembly.Instance(new WebAssembly.Module(assemble())).exports as Exports;
const { buffer } = exports.memory;

/** Halves of the hashes of a block of shingles. */
export const low = new Int32Array(buffer, LOW, BLOCK);
export const high = new Int32Array(buffer, HIGH, BLOCK);
/** Parameters and state of permute32. */
export const multipliers32 = new Int32Array(buffer, MULTIPLIERS, MAX_PERMUTATIONS);
export const minima32 = new Int32Array(buffer, MINIMA, MAX_PERMUTATIONS);
/** The same of permute61. */
export const shingles64 = new BigUint64Array(buffer, LOW, BLOCK);
export const multipliers64 = new BigUint64Array(buffer, MULTIPLIERS, MAX_PERMUTATIONS);
export const addends64 = new BigUint64Array(buffer, ADDENDS, MAX_PERMUTATIONS);
export const minima64 = new BigUint64Array(buffer, MINIMA, MAX_PERMUTATIONS);

/** minima32[p] = min(minima32[p], multipliers32[p] * low[i] + high[i]) over the first shingles, in wrapping int32. */
export function permute32(shingles: number, permutations: number): void {
  exports.permute32(shingles * 4, Math.ceil(permutations / GROUP) * GROUP * 4);
}

/** minima64[p] = min(minima64[p], ((shingles64[i] * multipliers64[p] + addends64[p]) mod 2^64) mod (2^61 - 1)). */
export function permute61(shingles: number, permutations: number): void {
  exports.permute61(shingles * 8, permutations * 8);
}

function assemble(): Uint8Array<ArrayBuffer> {
  const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const FUNCTION_TYPE = [0x60, 2, I32, I32, 0];
  const exported = [
    [...name('memory'), 0x02, 0],
    [...name('permute32'), 0x00, 0],
    [...name('permute61'), 0x00, 1],
  ];
  const locals32 = [
    [2, I32],
    [10, V128],
  ];
  const locals61 = [
    [2, I32],
    [5, I64],
  ];
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, [1, ...FUNCTION_TYPE]),
    ...section(3, [2, 0, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [exported.length, ...exported.flat()]),
    ...section(10, [2, ...code(locals32, permute32Body()), ...code(locals61, permute61Body())]),
  ]);
}

/** The first 16 permutations over all shingles, then the next 16: a shingle is loaded once for 16. */
function permute32Body(): number[] {
  const [shingles, permutations, group, shingle, x, y] = [0, 1, 2, 3, 4, 5];
  const lanes = [0, 1, 2, 3];
  const factor = (lane: number): number => 6 + lane;
  const minimum = (lane: number): number => 10 + lane;
  const load = lanes.map((lane) =>
    statements(
      [get(group), v128Load(MULTIPLIERS + lane * 16), set(factor(lane))],
      [get(group), v128Load(MINIMA + lane * 16), set(minimum(lane))],
    ),
  );
  const step = lanes.map((lane) =>
    statements(
      [get(minimum(lane)), get(factor(lane)), get(x), I32X4_MUL, get(y), I32X4_ADD],
      [I32X4_MIN, set(minimum(lane))],
    ),
  );
  const store = lanes.map((lane) =>
    statements([get(group), get(minimum(lane)), v128Store(MINIMA + lane * 16)]),
  );
  const eachShingle = statements(
    [get(shingle), v128Load32Splat(LOW), set(x)],
    [get(shingle), v128Load32Splat(HIGH), set(y)],
    step,
  );
  const eachGroup = statements(load, [i32(0), set(shingle), loop(shingle, 4, shingles, eachShingle)], store);
  return loop(group, GROUP * 4, permutations, eachGroup);
}

/** Reduction modulo p = 2^61 - 1: v = q 2^61 + r is q + r modulo p, and q + r < 2p. */
function permute61Body(): number[] {
  const PRIME = i64((1n << 61n) - 1n);
  const [shingles, permutations, permutation, shingle, factor] = [0, 1, 2, 3, 4];
  const [addend, minimum, value, reduced] = [5, 6, 7, 8];
  const eachShingle = statements(
    [get(shingle), i64Load(LOW), get(factor), I64_MUL, get(addend), I64_ADD, set(value)],
    [get(value), PRIME, I64_AND, get(value), i64(61n), I64_SHIFT_RIGHT, I64_ADD, set(value)],
    [get(value), PRIME, I64_SUB, set(reduced)],
    [get(reduced), get(value), get(value), PRIME, I64_AT_LEAST, SELECT, set(value)],
    [get(value), get(minimum), get(value), get(minimum), I64_LESS, SELECT, set(minimum)],
  );
  const eachPermutation = statements(
    [get(permutation), i64Load(MULTIPLIERS), set(factor)],
    [get(permutation), i64Load(ADDENDS), set(addend)],
    [get(permutation), i64Load(MINIMA), set(minimum)],
    [i32(0), set(shingle), loop(shingle, 8, shingles, eachShingle)],
    [get(permutation), get(minimum), i64Store(MINIMA)],
  );
  return loop(permutation, 8, permutations, eachPermutation);
}
