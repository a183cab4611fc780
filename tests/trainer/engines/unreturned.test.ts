import { describe, expect, it, vi } from 'vitest';
import { add, mul } from '../../../src/trainer/graph/build.js';
import { Graph } from '../../../src/trainer/graph/graph.js';
import { isRefusal, sequenceOutcome, tryOut } from '../../../src/trainer/engines/onnx/unreturned.js';

function throws(message: string): never {
  throw new Error(message);
}

describe('outputs that are not returned', () => {
  it('take the error of a run that is over for what it is, and no other', async () => {
    const outcome = await tryOut(async (place) => {
      place[0] = 2;
      throws('no sequences');
    });
    expect(outcome).toEqual({ error: 'no sequences' });
    expect(isRefusal(new Error('no sequences'), outcome)).toBe(true);
    expect(isRefusal(new Error('a product does not fit'), outcome)).toBe(false);
  });

  it('need no error: a release may return sequences', async () => {
    const outcome = await tryOut(async (place) => void (place[0] = 2));
    expect(outcome).toEqual({ error: undefined });
    expect(isRefusal(new Error('undefined'), outcome)).toBe(false);
  });

  it('are given up where sequences are refused before the run', async () => {
    const outcome = await tryOut(async () => throws('no sequences'));
    expect(outcome).toBeUndefined();
    expect(isRefusal(new Error('no sequences'), outcome)).toBe(false);
  });

  it('work with the installed release', async () => {
    expect(await sequenceOutcome()).toBeDefined();
  });

  it('are copied where they cannot be used, with the same results', async () => {
    vi.doMock(import('../../../src/trainer/engines/onnx/unreturned.js'), async (original) => ({
      ...(await original()),
      sequenceOutcome: async () => undefined,
    }));
    const { onnxEngine } = await import('../../../src/trainer/engines/onnx/onnx-engine.js');
    const graph = new Graph();
    const total = graph.input('total', [2], 'float32');
    const variable = onnxEngine.variable(Float32Array.of(1, 2), [2], 'float32');
    const sum = add(total, graph.input('x', [2], 'float32'));
    const binding = { input: total, variable, update: sum };
    const program = await onnxEngine.compile({
      graph,
      outputs: { double: mul(sum, 2) },
      bindings: [binding],
    });
    expect(await program.run({ x: Float32Array.of(10, 20) })).toEqual({ double: Float32Array.of(22, 44) });
    expect(await program.run({ x: Float32Array.of(1, 1) })).toEqual({ double: Float32Array.of(24, 46) });
    expect(await variable.read()).toEqual(Float32Array.of(12, 23));
    await program.dispose();
    vi.doUnmock('../../../src/trainer/engines/onnx/unreturned.js');
  });
});
