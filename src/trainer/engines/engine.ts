/**
 * What an engine offers: memory for arrays that outlive a run (variables), and compiled programs that read inputs from
 * the host, update variables and return outputs to the host.
 */
import type { Graph } from '../graph/graph.js';
import type { DType, HostArray, Shape, Tensor } from '../graph/tensor.js';

/** An array in the memory of an engine, shared by every program that binds it. */
export interface Variable {
  readonly shape: Shape;
  readonly dtype: DType;
  /** Values now: a view that changes with the next run where the engine works in host memory, otherwise a copy. */
  read(): Promise<HostArray>;
}

export interface Binding {
  /** An input of the graph that takes its values from the variable. */
  readonly input: Tensor;
  readonly variable: Variable;
  /**
   * The variable's values after the run. Written in place, so every other reader of `input` must come before it by
   * data dependency: the graph's author has to see to that.
   */
  readonly update?: Tensor;
}

export interface ProgramDefinition {
  readonly graph: Graph;
  /** Returned to the host after each run, by name. */
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly bindings: readonly Binding[];
}

export interface CompileOptions {
  /** Threads inside of an operation. Default: one a processor core. The results do not depend on it. */
  readonly threads?: number;
}

export interface Executable {
  /**
   * Runs once. `inputs` has every input of the graph that is not bound, by its name.
   * @throws TokenmillError ENGINE_FAILED
   */
  run(inputs: Readonly<Record<string, HostArray>>): Promise<Record<string, HostArray>>;
  dispose(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** Takes `values` over without copying where the engine works in host memory. */
  variable(values: HostArray, shape: Shape, dtype: DType): Variable;
  /** @throws TokenmillError ENGINE_FAILED where the engine refuses the program */
  compile(definition: ProgramDefinition, options?: CompileOptions): Promise<Executable>;
}
