/**
 * Element types of stored tensors to and from the typed arrays that programs use: float32 for weights, int32 for ids.
 * Wider and narrower floats are converted; a typed array of the same type shares the tensor's memory.
 */
import { TokenmillError } from '../core/errors.js';
import type { Tensor } from './safetensors.js';

/** A float32 tensor that shares the memory of `data`. @throws TokenmillError INTERNAL where shape and data do not fit */
export function float32Tensor(data: Float32Array, shape: readonly number[]): Tensor {
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements !== data.length) {
    throw new TokenmillError('INTERNAL', `shape [${shape.join(', ')}] has not ${data.length} elements`);
  }
  const buffer = data.buffer as ArrayBuffer;
  return { dtype: 'F32', shape, bytes: new Uint8Array(buffer, data.byteOffset, data.byteLength) };
}

/** F32, F64, F16 or BF16 as float32. @param name for messages. @throws TokenmillError MODEL_INVALID for other types */
export function toFloat32(tensor: Tensor, name: string): Float32Array<ArrayBuffer> {
  const { bytes } = tensor;
  const { buffer, byteOffset } = bytes;
  switch (tensor.dtype) {
    case 'F32':
      return new Float32Array(buffer, byteOffset, bytes.length / 4);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, bytes.length / 8));
    case 'BF16': {
      // bfloat16 is the upper half of a float32.
      const bits = Uint32Array.from(
        new Uint16Array(buffer, byteOffset, bytes.length / 2),
        (half) => half << 16,
      );
      return new Float32Array(bits.buffer);
    }
    case 'F16':
      return Float32Array.from(new Uint16Array(buffer, byteOffset, bytes.length / 2), fromHalf);
    default:
      throw wrongType(tensor, name, 'a floating-point tensor');
  }
}

/** I32 or I64 as int32. @throws TokenmillError MODEL_INVALID for other types and for values that need more bits */
export function toInt32(tensor: Tensor, name: string): Int32Array<ArrayBuffer> {
  const { bytes } = tensor;
  const { buffer, byteOffset } = bytes;
  if (tensor.dtype === 'I32') return new Int32Array(buffer, byteOffset, bytes.length / 4);
  if (tensor.dtype !== 'I64') throw wrongType(tensor, name, 'an integer tensor');
  return Int32Array.from(new BigInt64Array(buffer, byteOffset, bytes.length / 8), (value) => {
    const number = Number(value);
    if (number === (number | 0)) return number;
    throw new TokenmillError('MODEL_INVALID', `tensor ${name} has the value ${value}, which is not an id`);
  });
}

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function wrongType(tensor: Tensor, name: string, wanted: string): TokenmillError {
  return new TokenmillError('MODEL_INVALID', `tensor ${name} has type ${tensor.dtype}, not ${wanted}`, {
    hint: 'convert the model to float32, float16 or bfloat16 first',
  });
}
