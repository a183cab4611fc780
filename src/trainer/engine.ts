/** The engines and devices by the names that a person gives. Each engine is loaded when it is asked for. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import type { Log } from '../core/log.js';
import type { Engine } from './engines/engine.js';

export const DEVICES = ['auto', 'cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];

export const ENGINES = ['onnx', 'tensorflow'] as const;

export interface EngineChoice {
  readonly engine: (typeof ENGINES)[number];
  readonly device: Device;
}

/** What there is to choose from with onnxruntime. */
export interface Devices {
  readonly hasWebgpu: boolean;
  readonly hasCuda: boolean;
}

export interface DeviceChoice {
  readonly device: Exclude<Device, 'auto'>;
  readonly why: string;
}

/**
 * The device of onnxruntime that `asked` stands for.
 * @throws TokenmillError DEVICE_MISSING where this installation cannot use it at all
 */
export function chooseDevice(asked: Device, { hasWebgpu, hasCuda }: Devices): DeviceChoice {
  if (asked === 'auto') {
    if (hasCuda) return { device: 'cuda', why: 'the CUDA provider of onnxruntime is installed' };
    const other = hasWebgpu ? '; for a GPU give --device webgpu' : '';
    return { device: 'cpu', why: `it needs nothing but this package${other}` };
  }
  if (asked === 'webgpu' && !hasWebgpu) {
    throw new TokenmillError('DEVICE_MISSING', 'onnxruntime-node has no WebGPU provider on this platform', {
      hint: 'use --device cpu',
    });
  }
  if (asked === 'cuda' && !hasCuda) {
    throw new TokenmillError('DEVICE_MISSING', 'the CUDA provider of onnxruntime-node is not installed', {
      hint: 'use --device webgpu, which needs no CUDA, or install onnxruntime-node with its CUDA files',
    });
  }
  return { device: asked, why: 'as asked' };
}

/**
 * Opens the engine and says on which device and why.
 * @throws TokenmillError DEVICE_MISSING; a WebGPU device itself is looked for when the first program is compiled
 */
export async function openEngine(choice: EngineChoice, log: Log): Promise<Engine> {
  if (choice.engine === 'tensorflow') {
    const { loadTensorflow } = await import('./engines/tensorflow/load.js');
    const { tensorflowEngine } = await import('./engines/tensorflow/tensorflow-engine.js');
    return tensorflowEngine(await loadTensorflow(choice.device, log));
  }
  const { device, why } = chooseDevice(choice.device, await availableDevices());
  log(`engine onnx on ${device}: ${why}`);
  if (device === 'webgpu') {
    const { webgpuEngine } = await import('./engines/onnx/webgpu-engine.js');
    return webgpuEngine((fallbacks) => {
      const list = [...fallbacks].map(([type, count]) => `${type} (${count})`).join(', ');
      log(`not on the GPU, because WebGPU has no kernel for it: ${list}`);
    });
  }
  const { onnxEngine, onnxEngineOn } = await import('./engines/onnx/onnx-engine.js');
  return device === 'cpu' ? onnxEngine : onnxEngineOn(device);
}

async function availableDevices(): Promise<Devices> {
  const { listSupportedBackends } = await import('onnxruntime-node');
  const names = listSupportedBackends().map(({ name }) => name);
  return {
    hasWebgpu: names.includes('webgpu'),
    hasCuda: names.includes('cuda') && existsSync(providerLibrary('cuda')),
  };
}

/** The provider is a library of its own beside onnxruntime's, which the package's installation fetches on request. */
function providerLibrary(provider: string): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  const name =
    process.platform === 'win32'
      ? `onnxruntime_providers_${provider}.dll`
      : `libonnxruntime_providers_${provider}.so`;
  return join(root, 'bin', 'napi-v6', process.platform, process.arch, name);
}
