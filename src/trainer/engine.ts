/** The engines by the names that a person gives. Each is loaded when it is asked for. */
import type { Engine } from './engines/engine.js';

export interface EngineChoice {
  readonly engine: 'onnx';
  readonly device: 'auto' | 'cpu';
}

export async function openEngine(choice: EngineChoice): Promise<Engine> {
  switch (choice.engine) {
    case 'onnx':
      return (await import('./engines/onnx/onnx-engine.js')).onnxEngine;
  }
}
