/** Which parameters and caches a model has: its forward pass is built for one token, and what it names is written down. */
import { constant, fill } from '../graph/build.js';
import { Graph } from '../graph/graph.js';
import type { CacheSpec, ModelFamily, ParameterSpec } from './family.js';

export interface Trace {
  /** In the order of use, each once. */
  readonly parameters: readonly ParameterSpec[];
  readonly caches: readonly CacheSpec[];
}

export function trace<Config>(family: ModelFamily<Config>, config: Config): Trace {
  const graph = new Graph();
  const parameters = new Map<string, { spec: ParameterSpec; tensor: ReturnType<Graph['input']> }>();
  const caches: CacheSpec[] = [];
  const ids = constant(graph, [0], [1], 'int32');
  family.decode(
    config,
    {
      graph,
      time: 1,
      batch: 1,
      source: 1,
      positions: ids,
      mask: fill(graph, 0, [1, 1], 'float32'),
      parameter(spec) {
        const known = parameters.get(spec.name);
        if (known !== undefined) return known.tensor;
        const tensor = graph.input(spec.name, spec.shape, 'float32');
        parameters.set(spec.name, { spec, tensor });
        return tensor;
      },
      remember(cache, rows) {
        caches.push(cache);
        return rows;
      },
    },
    ids,
  );
  return { parameters: [...parameters.values()].map(({ spec }) => spec), caches };
}
