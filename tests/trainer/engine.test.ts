import { describe, expect, it } from 'vitest';
import { chooseDevice, openEngine, type Device } from '../../src/trainer/engine.js';

const NOTHING = { hasWebgpu: false, hasCuda: false };
const ALL = { hasWebgpu: true, hasCuda: true };

describe('the device', () => {
  it('is the CPU where nothing is asked for, and the reason names what else there is', () => {
    expect(chooseDevice('auto', NOTHING)).toEqual({
      device: 'cpu',
      why: 'it needs nothing but this package',
    });
    expect(chooseDevice('auto', { ...NOTHING, hasWebgpu: true })).toEqual({
      device: 'cpu',
      why: 'it needs nothing but this package; for a GPU give --device webgpu',
    });
  });

  it('is CUDA where a person has installed it', () => {
    expect(chooseDevice('auto', ALL).device).toBe('cuda');
  });

  it.each(['cpu', 'webgpu', 'cuda'] as const)('is %s where that is asked for and there', (device) => {
    expect(chooseDevice(device, ALL)).toEqual({ device, why: 'as asked' });
  });

  it.each([
    ['webgpu', 'onnxruntime-node has no WebGPU provider on this platform'],
    ['cuda', 'the CUDA provider of onnxruntime-node is not installed'],
  ] as [Device, string][])('is an error where %s is asked for and missing', (device, message) => {
    expect(() => chooseDevice(device, NOTHING)).toThrow(
      expect.objectContaining({ code: 'DEVICE_MISSING', message }),
    );
  });

  it('is told when the engine opens', async () => {
    const lines: string[] = [];
    const engine = await openEngine({ engine: 'onnx', device: 'cpu' }, (line) => lines.push(line));
    expect([engine.name, lines]).toEqual(['onnx', ['engine onnx on cpu: as asked']]);
  });
});
