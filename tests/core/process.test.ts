import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { identifyProcess, isProcessAlive } from '../../src/core/process.js';

it('knows this process and one that ended', async () => {
  expect(isProcessAlive(identifyProcess())).toBe(true);
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  const identity = identifyProcess(child.pid);
  expect(isProcessAlive(identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isProcessAlive(identity)).toBe(false);
});

it('does not take another process with the same id for it', () => {
  const self = identifyProcess();
  expect(isProcessAlive({ ...self, started: '1' })).toBe(false);
});

it('says that it cannot know of another machine, another boot or another container', () => {
  const self = identifyProcess();
  expect(isProcessAlive({ ...self, host: 'elsewhere' })).toBeUndefined();
  expect(isProcessAlive({ ...self, machine: 'another boot' })).toBeUndefined();
});
