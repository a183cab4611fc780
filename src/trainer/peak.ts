/** What a machine can do at best, so that a run can say how much of it it uses. */
import type { Engine } from './engines/engine.js';
import { gemm } from './graph/build.js';
import { Graph } from './graph/graph.js';

/** Rows and columns: large enough to be bound by arithmetic, done in well under a second on one core. */
const EXTENT = 768;
const TRIES = 3;

/** Floating-point operations a second in the fastest of a few products of large float32 matrices. */
export async function measurePeak(engine: Engine, threads: number | undefined): Promise<number> {
  const graph = new Graph();
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, [EXTENT, EXTENT], 'float32'));
  const variable = engine.variable(new Float32Array(EXTENT * EXTENT), [EXTENT, EXTENT], 'float32');
  const bindings = [a, b].map((input) => ({ input, variable }));
  // One row comes back, so that the copy of the result to the host is not measured.
  const outputs = { sum: gemm(graph.input('ones', [1, EXTENT], 'float32'), gemm(a, b)) };
  const program = await engine.compile({ graph, outputs, bindings }, { threads });
  const ones = new Float32Array(EXTENT).fill(1);
  let best = Infinity;
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const started = performance.now();
      await program.run({ ones });
      best = Math.min(best, performance.now() - started);
    }
  } finally {
    await program.dispose();
  }
  return (2 * EXTENT ** 3) / (best / 1000);
}
