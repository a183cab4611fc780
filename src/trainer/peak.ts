/** What a machine can do at best, so that a run can say how much of it it uses. */
import type { Engine } from './engines/engine.js';
import { gemm } from './graph/build.js';
import { Graph } from './graph/graph.js';

/** Rows and columns: large enough to be bound by arithmetic, done in well under a second on one core. */
const EXTENT = 1024;
/** Tries: at least so many, and as long as so many milliseconds are not over, since other programs may disturb some. */
const MIN_TRIES = 4;
const MIN_TIME = 250;

/**
 * Floating-point operations a second in the fastest of a few products of large float32 matrices. A lower bound: other
 * programs may take part of the machine meanwhile.
 */
export async function measurePeak(engine: Engine, threads: number | undefined): Promise<number> {
  const graph = new Graph();
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, [EXTENT, EXTENT], 'float32'));
  const values = Float32Array.from({ length: EXTENT * EXTENT }, (_, i) => (i % 1009) / 1009);
  const variable = engine.variable(values, [EXTENT, EXTENT], 'float32');
  const bindings = [a, b].map((input) => ({ input, variable }));
  // One row comes back, so that the copy of the result to the host is not measured.
  const outputs = { sum: gemm(graph.input('ones', [1, EXTENT], 'float32'), gemm(a, b)) };
  const program = await engine.compile({ graph, outputs, bindings }, { threads });
  const ones = new Float32Array(EXTENT).fill(1);
  let best = Infinity;
  try {
    const begun = performance.now();
    for (let tries = 0; tries < MIN_TRIES || performance.now() - begun < MIN_TIME; tries++) {
      const started = performance.now();
      await program.run({ ones });
      best = Math.min(best, performance.now() - started);
    }
  } finally {
    await program.dispose();
  }
  return (2 * EXTENT ** 3) / (best / 1000);
}
