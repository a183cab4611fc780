/**
 * The WebAssembly instructions that the kernel is written in, as bytes.
 * Encoding: WebAssembly Core Specification 2.0, section 5 (binary format).
 */

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;

export function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

export function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)];
}

/** A function: its locals as (count, type), its instructions. */
export function code(locals: readonly (readonly number[])[], body: readonly number[]): number[] {
  const content = [locals.length, ...locals.flat(), ...body, 0x0b];
  return [...unsigned(content.length), ...content];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: bigint): number[] {
  const byte = Number(value & 0x7fn);
  const rest = value >> 7n;
  const isLast = (rest === 0n && (byte & 0x40) === 0) || (rest === -1n && (byte & 0x40) !== 0);
  return isLast ? [byte] : [byte | 0x80, ...signed(rest)];
}

export const get = (local: number): number[] => [0x20, local];
export const set = (local: number): number[] => [0x21, local];
export const i32 = (value: number): number[] => [0x41, ...signed(BigInt(value))];
export const i64 = (value: bigint): number[] => [0x42, ...signed(value)];
export const I32_ADD = [0x6a];
export const I32_LESS = [0x49];
export const I64_ADD = [0x7c];
export const I64_SUB = [0x7d];
export const I64_MUL = [0x7e];
export const I64_AND = [0x83];
export const I64_SHIFT_RIGHT = [0x88];
export const I64_LESS = [0x54];
export const I64_AT_LEAST = [0x5a];
export const SELECT = [0x1b];
export const i64Load = (offset: number): number[] => [0x29, 3, ...unsigned(offset)];
export const i64Store = (offset: number): number[] => [0x37, 3, ...unsigned(offset)];
export const v128Load = (offset: number): number[] => [0xfd, 0x00, 4, ...unsigned(offset)];
export const v128Load32Splat = (offset: number): number[] => [0xfd, 0x09, 2, ...unsigned(offset)];
export const v128Store = (offset: number): number[] => [0xfd, 0x0b, 4, ...unsigned(offset)];
export const I32X4_ADD = [0xfd, 0xae, 0x01];
export const I32X4_MUL = [0xfd, 0xb5, 0x01];
export const I32X4_MIN = [0xfd, 0xb6, 0x01];

/** Instructions one after the other, a list for each statement. */
export function statements(...lists: (readonly (readonly number[])[])[]): number[] {
  return lists.flat(2);
}

/** do { body; counter += step } while (counter < limit) */
export function loop(counter: number, step: number, limit: number, body: readonly number[]): number[] {
  const next = [...get(counter), ...i32(step), ...I32_ADD, ...set(counter)];
  return [0x03, 0x40, ...body, ...next, ...get(counter), ...get(limit), ...I32_LESS, 0x0d, 0, 0x0b];
}
