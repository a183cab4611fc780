/**
 * The safetensors file format: 8 bytes little-endian header length, a JSON header, then the tensors' bytes.
 * https://github.com/huggingface/safetensors, section "Format"
 *
 * Invariants of what is written: tensors sorted by type and name, header padded with spaces so that the data begin at a multiple
 * of 8, no gap between tensors; equal content gives equal bytes, those of the reference implementation. What is read
 * is checked against the same rules before any tensor is touched. Offsets are bytes from the start of the data.
 */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { fromSystemError, TokenmillError } from '../core/errors.js';

/** Bytes of one element, in the reference implementation's order of types. Types of less than a byte are not read. */
const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
} as const;

export type ElementType = keyof typeof ELEMENT_BYTES;
const TYPE_ORDER = Object.keys(ELEMENT_BYTES);

/** The reference implementation refuses longer headers, too. */
export const MAX_HEADER_BYTES = 100_000_000;
export const MAX_DIMENSIONS = 16;
/** One typed array has to hold a tensor. */
export const MAX_TENSOR_BYTES = 0xffff_ffff;

const LENGTH_BYTES = 8;
const ALIGNMENT = 8;
const METADATA_KEY = '__metadata__';
/** What one call reads or writes at most: the system calls take 31 bits. */
const CHUNK_BYTES = 1 << 28;

/** transformers refuses a file whose metadata do not name a framework. */
export const HUGGING_FACE_METADATA: Readonly<Record<string, string>> = { format: 'pt' };

export interface Tensor {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Little-endian, row-major; aligned to its element size in its buffer. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Where a tensor's bytes lie. */
export interface TensorPlace {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsPlan {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of their bytes. */
  readonly places: readonly TensorPlace[];
}

/**
 * Interprets a header without touching the data.
 * @param dataBytes how many bytes follow the header
 * @param file for messages
 * @throws TokenmillError MODEL_INVALID naming tensor and offset
 */
export function planSafetensors(header: Uint8Array, dataBytes: number, file: string): SafetensorsPlan {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header));
  } catch (error) {
    throw invalid(file, 'its header is not JSON', LENGTH_BYTES, error);
  }
  if (!isObject(parsed)) throw invalid(file, 'its header is not a JSON object', LENGTH_BYTES);
  const places: TensorPlace[] = [];
  for (const [name, value] of Object.entries(parsed)) {
    if (name !== METADATA_KEY) places.push(toPlace(name, value, file));
  }
  places.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const dataStart = LENGTH_BYTES + header.length;
  let expected = 0;
  for (const { name, begin, end } of places) {
    if (begin !== expected) {
      const what = begin < expected ? 'overlaps the tensor before it' : 'leaves a gap before it';
      throw invalid(file, `tensor ${name} ${what}`, dataStart + begin);
    }
    if (end > dataBytes)
      throw invalid(file, `tensor ${name} is cut off: it ends at ${end} of ${dataBytes}`, dataStart + begin);
    expected = end;
  }
  if (expected !== dataBytes) {
    throw invalid(file, `${dataBytes - expected} bytes belong to no tensor`, dataStart + expected);
  }
  return { metadata: toMetadata(parsed[METADATA_KEY], file), places };
}

function toPlace(name: string, value: unknown, file: string): TensorPlace {
  const bad = (message: string): TokenmillError => invalid(file, `tensor ${name}: ${message}`, LENGTH_BYTES);
  if (!isObject(value)) throw bad('its entry is not an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype)) {
    throw bad(`its type ${JSON.stringify(dtype)} cannot be read`);
  }
  if (!isCounts(shape) || shape.length > MAX_DIMENSIONS) throw bad(`its shape is ${JSON.stringify(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw bad(`its data_offsets are ${JSON.stringify(offsets)}`);
  }
  const type = dtype as ElementType;
  const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[type]);
  if (bytes > MAX_TENSOR_BYTES)
    throw bad(`it has ${bytes} bytes, more than the ${MAX_TENSOR_BYTES} that are read`);
  const [begin, end] = offsets;
  if (end - begin !== bytes) {
    throw bad(`${type} of shape [${shape.join(', ')}] needs ${bytes} bytes, but it has ${end - begin}`);
  }
  return { name, dtype: type, shape, begin, end };
}

function toMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  if (isObject(value) && Object.values(value).every((item) => typeof item === 'string')) {
    return value as Record<string, string>;
  }
  throw invalid(file, `${METADATA_KEY} is not an object of texts`, LENGTH_BYTES);
}

/** Length of the header and the JSON header, padded. Lays the tensors out in the order given. */
function encodeHeader(
  tensors: readonly (readonly [string, Tensor])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push([METADATA_KEY, metadata]);
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    entries.push([name, { dtype, shape, data_offsets: [offset, offset + bytes.length] }]);
    offset += bytes.length;
  }
  // Not JSON.stringify of an object: that would move names that look like array indices to the front.
  const members = entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${members.join(',')}}`);
  const padded = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(json, LENGTH_BYTES);
  return header;
}

/** By type, the widest first, so that every tensor is aligned; then by name. */
function inFileOrder(tensors: ReadonlyMap<string, Tensor>): (readonly [string, Tensor])[] {
  return [...tensors].sort(
    ([a, left], [b, right]) =>
      TYPE_ORDER.indexOf(right.dtype) - TYPE_ORDER.indexOf(left.dtype) ||
      Buffer.from(a).compare(Buffer.from(b)),
  );
}

/** The file as bytes. Meant for small ones: `writeSafetensors` needs no second copy of the tensors. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = HUGGING_FACE_METADATA,
): Uint8Array<ArrayBuffer> {
  const ordered = inFileOrder(tensors);
  const parts = [encodeHeader(ordered, metadata), ...ordered.map(([, { bytes }]) => bytes)];
  return new Uint8Array(Buffer.concat(parts));
}

/** @param file for messages. @throws TokenmillError MODEL_INVALID */
export function decodeSafetensors(bytes: Uint8Array, file: string): SafetensorsFile {
  const headerBytes = headerLength(bytes.subarray(0, LENGTH_BYTES), bytes.length, file);
  const dataStart = LENGTH_BYTES + headerBytes;
  const plan = planSafetensors(bytes.subarray(LENGTH_BYTES, dataStart), bytes.length - dataStart, file);
  const tensors = new Map<string, Tensor>();
  for (const { name, dtype, shape, begin, end } of plan.places) {
    tensors.set(name, {
      dtype,
      shape,
      bytes: new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end)),
    });
  }
  return { metadata: plan.metadata, tensors };
}

function headerLength(prefix: Uint8Array, fileBytes: number, file: string): number {
  if (prefix.length < LENGTH_BYTES)
    throw invalid(file, `it has only ${prefix.length} bytes, not even a header length`, 0);
  const view = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw invalid(file, `its header would have ${length} bytes, more than ${MAX_HEADER_BYTES}`, 0);
  }
  if (LENGTH_BYTES + Number(length) > fileBytes) {
    throw invalid(file, `its header of ${length} bytes is cut off: the file has ${fileBytes} bytes`, 0);
  }
  return Number(length);
}

/**
 * Writes a new file, synced to disk; `path` must not exist.
 * @returns size and SHA-256 of the file
 * @throws TokenmillError FILE_EXISTS, DISK_FULL and the like
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = HUGGING_FACE_METADATA,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const handle = await open(path, 'wx');
    try {
      const put = async (part: Uint8Array): Promise<void> => {
        for (let start = 0; start < part.length; start += CHUNK_BYTES) {
          const chunk = part.subarray(start, start + CHUNK_BYTES);
          hash.update(chunk);
          await handle.writeFile(chunk);
          bytes += chunk.length;
        }
      };
      const ordered = inFileOrder(tensors);
      await put(encodeHeader(ordered, metadata));
      for (const [, tensor] of ordered) await put(tensor.bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fromSystemError(error, path);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Reads a whole file, each tensor into a buffer of its own. @throws TokenmillError MODEL_INVALID, FILE_NOT_FOUND, ... */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const prefix = await readAt(handle, 0, Math.min(size, LENGTH_BYTES), path);
      const dataStart = LENGTH_BYTES + headerLength(prefix, size, path);
      const header = await readAt(handle, LENGTH_BYTES, dataStart - LENGTH_BYTES, path);
      const plan = planSafetensors(header, size - dataStart, path);
      const tensors = new Map<string, Tensor>();
      for (const { name, dtype, shape, begin, end } of plan.places) {
        const bytes = await readAt(handle, dataStart + begin, end - begin, path);
        tensors.set(name, { dtype, shape, bytes });
      }
      return { metadata: plan.metadata, tensors };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

async function readAt(
  handle: FileHandle,
  position: number,
  length: number,
  path: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const wanted = Math.min(CHUNK_BYTES, length - filled);
    const { bytesRead } = await handle.read(bytes, filled, wanted, position + filled);
    if (bytesRead === 0) throw invalid(path, 'it became shorter while it was read', position + filled);
    filled += bytesRead;
  }
  return bytes;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
}

function invalid(file: string, message: string, offset: number, cause?: unknown): TokenmillError {
  return new TokenmillError('MODEL_INVALID', `${file} is not a valid safetensors file: ${message}`, {
    place: { file, offset },
    hint: 'get the file again from where it came, or go back to an earlier checkpoint',
    cause,
  });
}
