/** Inputs as a run gets them from the host, checked against what the graph wants. */
import { TokenmillError } from '../../core/errors.js';
import { type HostArray, type Shape, sizeOf } from '../graph/tensor.js';

/** The values of an input. @throws TokenmillError ENGINE_FAILED where they are missing, or not as many as the graph wants */
export function given(inputs: Readonly<Record<string, HostArray>>, name: string, shape: Shape): HostArray {
  const values = inputs[name] as HostArray | undefined;
  if (values === undefined) throw new TokenmillError('ENGINE_FAILED', `the input ${name} is missing`);
  if (values.length === sizeOf(shape)) return values;
  throw new TokenmillError(
    'ENGINE_FAILED',
    `the input ${name} has ${values.length} values, the graph wants [${shape.join(', ')}]`,
  );
}
