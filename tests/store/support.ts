/** What the tests of the store share: folders of their own, commits, and real processes that run the compiled store. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { TokenmillError, type ErrorCode } from '../../src/core/errors.js';
import type { Commit } from '../../src/store/commits.js';

export const HASH = 'ab'.repeat(32);

/** An empty folder that goes when the test ends. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The error that a call fails with. */
export async function failure(call: Promise<unknown> | (() => unknown)): Promise<TokenmillError> {
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (error) {
    if (error instanceof TokenmillError) return error;
    throw error;
  }
  throw new Error('the call did not fail');
}

/** The code of the error that a call fails with. */
export async function failureCode(call: Promise<unknown> | (() => unknown)): Promise<ErrorCode> {
  return (await failure(call)).code;
}

/** A commit that adds nothing. */
export function emptyCommit(dataset: string, sequence: number): Commit {
  return {
    version: 1,
    sequence,
    dataset,
    files: [],
    pending: [],
    sources: [],
    bad_records: [],
    counts: {},
    totals: {},
    next_ordinal: 0,
    tokenizer: null,
  };
}

export interface StoreProcess {
  readonly child: ChildProcess;
  /** Whole lines of its output so far. */
  readonly lines: string[];
  /** Resolves when it has written `count` lines, or has ended. */
  waitForLines(count: number): Promise<void>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
}

/** Runs a module in a process of its own; `dist` in it is the URL of the compiled sources. */
export function startProcess(source: string, args: readonly string[]): StoreProcess {
  const dist = new URL('../../dist', import.meta.url).href;
  const program = `const dist = ${JSON.stringify(dist)}; const args = process.argv.slice(1);\n${source}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let rest = '';
  let done = false;
  const wake = (): void => {
    for (const { count, resolve } of waiting) if (done || lines.length >= count) resolve();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => {
      done = true;
      wake();
      resolve();
    });
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return {
    child,
    lines,
    ended,
    waitForLines: (count) =>
      new Promise((resolve) => {
        waiting.push({ count, resolve });
        wake();
      }),
  };
}
