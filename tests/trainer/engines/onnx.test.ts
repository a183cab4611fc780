import { describe, expect, it } from 'vitest';
import { encodeModel, type OnnxNode } from '../../../src/trainer/engines/onnx/model.js';
import { onnxEngine } from '../../../src/trainer/engines/onnx/onnx-engine.js';
import { ProtobufWriter } from '../../../src/trainer/engines/onnx/protobuf.js';
import { add, gemm, mul } from '../../../src/trainer/graph/build.js';
import { Graph } from '../../../src/trainer/graph/graph.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function written(write: (writer: ProtobufWriter) => void): string {
  const writer = new ProtobufWriter();
  write(writer);
  return hex(writer.finish());
}

describe('the wire format', () => {
  // From protobuf.dev, "Encoding".
  it('writes the examples of the specification', () => {
    expect(written((writer) => writer.integer(1, 150))).toBe('089601');
    expect(written((writer) => writer.string(2, 'testing'))).toBe('120774657374696e67');
    expect(written((writer) => writer.message(3, (inner) => inner.integer(1, 150)))).toBe('1a03089601');
    expect(written((writer) => writer.integer(1, -2))).toBe('08feffffffffffffffff01');
  });
  it('writes the ends of int64, a float and a field number of two bytes', () => {
    expect(written((writer) => writer.integer(1, 2n ** 63n - 1n))).toBe('08ffffffffffffffff7f');
    expect(written((writer) => writer.integer(1, -(2n ** 63n)))).toBe('0880808080808080808001');
    expect(written((writer) => writer.float(2, -1.5))).toBe('150000c0bf');
    expect(written((writer) => writer.integer(20, 0))).toBe('a00100');
  });
  it('grows with what is written', () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i & 255);
    expect(written((writer) => writer.data(1, bytes))).toBe(`0ae807${hex(bytes)}`);
  });
});

describe('ONNX models', () => {
  // Made with onnx 1.23: helper.make_model(...).SerializeToString(deterministic=True).
  const EXPECTED =
    '080a1209746f6b656e6d696c6c3adc010a320a01780a01771201681a0168220447656d6d2a0f0a05616c706861150000003fa001012a0d0a067472616e73421801a001020a230a01681201791a017922095472616e73706f73652a0d0a047065726d40014000a001070a370a01790a016812017a1a017a220b46757365644d61744d756c2a0d0a067472616e73411800a001023a0d636f6d2e6d6963726f736f6674120567726170682a170801080310014201774a0c0000c03f000000c0000000005a130a0178120e0a0c080112080a0208020a02080362130a017a120e0a0c080112080a0208010a02080142040a00101542110a0d636f6d2e6d6963726f736f66741001';

  const node = (
    type: string,
    inputs: string[],
    output: string,
    attributes: OnnxNode['attributes'],
  ): OnnxNode => ({
    type,
    domain: type === 'FusedMatMul' ? 'com.microsoft' : '',
    inputs,
    outputs: [output],
    attributes,
  });

  it('are the bytes that the onnx package writes', () => {
    const model = encodeModel({
      nodes: [
        node('Gemm', ['x', 'w'], 'h', { alpha: { float: 0.5 }, transB: { int: 1 } }),
        node('Transpose', ['h'], 'y', { perm: { ints: [1, 0] } }),
        node('FusedMatMul', ['y', 'h'], 'z', { transA: { int: 0 } }),
      ],
      constants: [{ name: 'w', type: 'float32', shape: [1, 3], data: Float32Array.of(1.5, -2, 0) }],
      inputs: [{ name: 'x', type: 'float32', shape: [2, 3] }],
      outputs: [{ name: 'z', type: 'float32', shape: [1, 1] }],
      sequences: [],
    });
    expect(hex(model)).toBe(EXPECTED);
  });

  it('have attributes of every kind', () => {
    const tensor = { name: '', type: 'int64', shape: [1], data: BigInt64Array.of(7n) } as const;
    const attributes = { v: { tensor }, reduction: { string: 'add' }, axis: { int: -1 } };
    const model = hex(
      encodeModel({
        nodes: [node('N', [], 'o', attributes)],
        constants: [],
        inputs: [],
        outputs: [],
        sequences: [{ name: 's', type: 'float32' }],
      }),
    );
    // Each made with onnx 1.23: helper.make_attribute(...).SerializeToString().
    for (const expected of [
      '0a01762a0e080110074a080700000000000000a00104',
      '0a09726564756374696f6e2203616464a00103',
      '0a046178697318ffffffffffffffffff01a00102',
      // helper.make_tensor_sequence_value_info('s', 1, None), as an output of the graph
      '620d0a01731208 2206 0a040a020801'.replaceAll(' ', ''),
    ]) {
      expect(model).toContain(expected);
    }
  });
});

describe('the engine', () => {
  it('updates a variable in place, from run to run', async () => {
    const graph = new Graph();
    const total = graph.input('total', [2], 'float32');
    const x = graph.input('x', [2], 'float32');
    const values = Float32Array.of(1, 2);
    const variable = onnxEngine.variable(values, [2], 'float32');
    const sum = add(total, x);
    const program = await onnxEngine.compile({
      graph,
      outputs: { double: mul(sum, 2), sum },
      bindings: [{ input: total, variable, update: sum }],
    });
    expect(await program.run({ x: Float32Array.of(10, 20) })).toEqual({
      double: Float32Array.of(22, 44),
      sum: Float32Array.of(11, 22),
    });
    expect((await program.run({ x: Float32Array.of(1, 1) })).sum).toEqual(Float32Array.of(12, 23));
    expect(await variable.read()).toBe(values);
    expect([...values]).toEqual([12, 23]);
    await program.dispose();
  });

  it('returns an input that is an output, and needs no input that no output depends on', async () => {
    const graph = new Graph();
    const x = graph.input('x', [1], 'float32');
    graph.input('unused', [1], 'float32');
    const program = await onnxEngine.compile({ graph, outputs: { y: x }, bindings: [] });
    expect(await program.run({ x: Float32Array.of(3) })).toEqual({ y: Float32Array.of(3) });
  });

  it('names what went wrong', async () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 2], 'float32');
    const program = await onnxEngine.compile({ graph, outputs: { y: gemm(x, x) }, bindings: [] });
    await expect(program.run({ x: Float32Array.of(1) })).rejects.toThrow(
      expect.objectContaining({
        code: 'ENGINE_FAILED',
        message: 'the input x has 1 values, the graph wants [2, 2]',
      }),
    );
    await expect(program.run({})).rejects.toThrow(
      expect.objectContaining({ code: 'ENGINE_FAILED', message: 'the input x is missing' }),
    );
    const rotated = graph.apply(
      'rotary',
      [
        graph.input('double', [1, 2], 'float64'),
        graph.input('place', [1], 'int32'),
        graph.input('cosine', [1, 1], 'float64'),
        graph.input('sine', [1, 1], 'float64'),
      ],
      { heads: 1, interleaved: false },
    );
    await expect(onnxEngine.compile({ graph, outputs: { rotated }, bindings: [] })).rejects.toThrow(
      expect.objectContaining({
        code: 'ENGINE_FAILED',
        message: expect.stringContaining('could not load the graph'),
      }),
    );
  });
});
