import { describe, expect, it } from 'vitest';
import { Progress } from '../../src/core/progress.js';

function progressOn(terminal: boolean): {
  progress: Progress;
  output: string[];
  advance: (ms: number) => void;
} {
  const output: string[] = [];
  let time = 0;
  const stream = { isTTY: terminal, columns: 60, write: (text: string) => output.push(text) };
  const progress = new Progress({ label: 'read', format: (n) => `${n} B`, stream, now: () => time });
  return { progress, output, advance: (ms) => (time += ms) };
}

describe('Progress', () => {
  it('redraws one line on a terminal, cut to its width', () => {
    const { progress, output, advance } = progressOn(true);
    advance(1000);
    progress.update({ done: 50, total: 200 });
    progress.update({ done: 51, total: 200 });
    progress.clear();
    expect(output).toEqual([
      '\r\u001b[2Kread [######..................] 25%  50 B of 200 B  50 B/s ',
      '\r\u001b[2K',
    ]);
  });

  it('writes a line every five seconds elsewhere, with what is left', () => {
    const { progress, output, advance } = progressOn(false);
    for (let second = 1; second <= 12; second++) {
      advance(1000);
      progress.update({ done: second * 10, total: 200, note: 'x' });
    }
    progress.clear();
    expect(output).toEqual([
      'read [######..................] 25%  50 B of 200 B  10 B/s  15s left  x\n',
      'read [############............] 50%  100 B of 200 B  10 B/s  10s left  x\n',
    ]);
  });

  it('shows amount and rate where there is no total', () => {
    const { progress, output, advance } = progressOn(false);
    advance(5000);
    progress.update({ done: 100 });
    expect(output).toEqual(['read 100 B  20 B/s\n']);
  });

  it('reports figures in JSON once a second for a program, and the last ones at the end', () => {
    const output: string[] = [];
    let time = 0;
    const stream = { isTTY: true, write: (text: string) => output.push(text) };
    const progress = new Progress({ label: 'read', format: String, stream, now: () => time, json: true });
    for (const done of [1, 2, 3, 4]) {
      time += 600;
      progress.update({ done, total: 5, note: 'x', values: { kept: done } });
    }
    time += 100;
    progress.update({ done: 5 });
    progress.clear();
    progress.clear();
    const report = { type: 'progress', label: 'read', done: 2, total: 5, note: 'x', values: { kept: 2 } };
    expect(output.map((line) => JSON.parse(line) as unknown)).toEqual([
      report,
      { ...report, done: 4, values: { kept: 4 } },
      { ...report, done: 5, total: null, note: null, values: {} },
    ]);
    expect(output.join('')).toMatch(/^(?:[^\n\r]+\n){3}$/);
  });
});
