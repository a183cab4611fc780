/**
 * TensorFlow.js as the user has installed it. None of its packages is a dependency: those with native code download it
 * when they are installed, and most people need none.
 */
import { createRequire } from 'node:module';
import util from 'node:util';
import { describeError, TokenmillError } from '../../../core/errors.js';
import type { Log } from '../../../core/log.js';
import type { Device } from '../../engine.js';
import type { TensorFlow } from './kernels.js';

/** Packages that bring the library, and one that has to be loaded with it; the fastest first. */
interface Source {
  readonly name: string;
  readonly device: 'cuda' | 'cpu';
  readonly backend?: string;
  readonly about: string;
}

export const SOURCES = [
  { name: '@tensorflow/tfjs-node-gpu', device: 'cuda', about: 'native, on CUDA' },
  { name: '@tensorflow/tfjs-node', device: 'cpu', about: 'native, on the CPU' },
  { name: '@tensorflow/tfjs', device: 'cpu', about: 'JavaScript alone, slow' },
  {
    name: '@tensorflow/tfjs-core',
    device: 'cpu',
    backend: '@tensorflow/tfjs-backend-cpu',
    about: 'JavaScript alone, slow',
  },
] as const satisfies readonly Source[];

/**
 * The package that a device stands for, of those that are installed.
 * @throws TokenmillError DEVICE_MISSING naming what to install
 */
export function chooseSource(device: Device, isInstalled: (name: string) => boolean): Source {
  if (device === 'webgpu') {
    throw new TokenmillError('DEVICE_MISSING', 'TensorFlow.js has no WebGPU device outside of browsers', {
      hint: 'use --engine onnx --device webgpu',
    });
  }
  const found = SOURCES.find(
    (source: Source) =>
      (device === 'auto' || source.device === device) &&
      isInstalled(source.name) &&
      (source.backend === undefined || isInstalled(source.backend)),
  );
  if (found !== undefined) return found;
  const wanted =
    device === 'cuda' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node, or @tensorflow/tfjs';
  throw new TokenmillError(
    'DEVICE_MISSING',
    `TensorFlow.js ${device === 'cuda' ? 'with CUDA ' : ''}is not installed`,
    { hint: `install ${wanted} beside tokenmill (see docs/engines.md), or use --engine onnx` },
  );
}

/**
 * Loads the library and says which package it came from.
 * @throws TokenmillError DEVICE_MISSING where there is none, it cannot be loaded, or it finds no GPU where one is asked for
 */
export async function loadTensorflow(device: Device, log: Log): Promise<TensorFlow> {
  const require = createRequire(import.meta.url);
  const source = chooseSource(device, (name) => {
    try {
      require.resolve(name);
      return true;
    } catch {
      return false;
    }
  });
  restoreUtilities(util);
  let tf: TensorFlow;
  try {
    tf = require(source.name) as TensorFlow;
    if (source.backend !== undefined) require(source.backend);
  } catch (error) {
    throw new TokenmillError('DEVICE_MISSING', `${source.name} cannot be loaded: ${describeError(error)}`, {
      hint: 'install it again, with its install script, or use --engine onnx',
      cause: error,
    });
  }
  // Without this the CPU backend advertises itself on the console.
  tf.enableProdMode();
  await tf.ready();
  const hasGpu = usesGpu(tf);
  if (device === 'cuda' && !hasGpu) {
    throw new TokenmillError('DEVICE_MISSING', `${source.name} finds no GPU`, {
      hint: 'it needs CUDA 11 and cuDNN 8 in the path of libraries; or use --engine onnx --device webgpu',
    });
  }
  const place =
    source.device === 'cuda' && !hasGpu ? 'native; it finds no GPU and runs on the CPU' : source.about;
  log(`engine tensorflow on ${hasGpu ? 'cuda' : 'cpu'}: ${source.name} ${tf.version_core} (${place})`);
  return tf;
}

function usesGpu(tf: TensorFlow): boolean {
  return (tf.backend() as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

/**
 * Node 23 took away what tfjs-node 4.22, its last release, still calls.
 * @param module node:util
 */
export function restoreUtilities(module: object): void {
  const missing = {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown): boolean => value === null || value === undefined,
  };
  for (const [name, value] of Object.entries(missing))
    if (!(name in module)) Object.assign(module, { [name]: value });
}
