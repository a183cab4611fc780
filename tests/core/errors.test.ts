import { describe, expect, it } from 'vitest';
import { describeError, ERRORS, EXIT, fromSystemError, TokenmillError } from '../../src/core/errors.js';

const systemError = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

describe('TokenmillError', () => {
  it('takes its exit and HTTP status from the table', () => {
    const error = new TokenmillError('DATASET_LOCKED', 'dataset x is locked');
    expect([error.exitStatus, error.httpStatus]).toEqual([1, 409]);
    expect(new TokenmillError('INPUT_CORRUPT', '').exitStatus).toBe(EXIT.badData);
    expect(new TokenmillError('USAGE', '').exitStatus).toBe(2);
    expect(new TokenmillError('INTERRUPTED', '').exitStatus).toBe(130);
  });

  it('has only documented exit statuses and HTTP error statuses in the table', () => {
    for (const [code, kind] of Object.entries(ERRORS)) {
      expect([1, 2, 3, 130], code).toContain(kind.exit);
      expect(kind.http, code).toBeGreaterThanOrEqual(400);
      expect(kind.http, code).toBeLessThan(600);
    }
  });
});

describe('describeError', () => {
  it('names code, message, place and hint', () => {
    const error = new TokenmillError('INPUT_CORRUPT', 'not gzip', {
      place: { file: 'a.gz', record: 3, offset: 77 },
      hint: 'fetch it again',
    });
    expect(describeError(error)).toBe(
      'error INPUT_CORRUPT: not gzip\n  at a.gz, record 3, byte 77\n  hint: fetch it again',
    );
  });

  it('shows the stack of what is not ours', () => {
    expect(describeError(new RangeError('oops'))).toContain('RangeError: oops\n    at ');
  });
});

describe('fromSystemError', () => {
  it.each([
    ['ENOENT', 'FILE_NOT_FOUND'],
    ['EACCES', 'FILE_FORBIDDEN'],
    ['EROFS', 'FILE_FORBIDDEN'],
    ['ENOSPC', 'DISK_FULL'],
    ['EEXIST', 'FILE_EXISTS'],
    ['EIO', 'IO'],
  ])('translates %s to %s and names the path', (system, ours) => {
    const error = fromSystemError(systemError(system), '/data/x') as TokenmillError;
    expect(error.code).toBe(ours);
    expect(error.message).toContain('/data/x');
  });

  it('leaves other errors alone', () => {
    const error = new TypeError('defect');
    expect(fromSystemError(error, 'x')).toBe(error);
  });
});
