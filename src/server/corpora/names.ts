/**
 * Names and places of corpora. A name never leaves its folder: it has no separator and does not start with a dot, so
 * what starts with a dot is free for the store's own files.
 *
 *     uploads/<corpus>/<file>                     complete, immutable
 *     uploads/.records/<corpus>/<file>.json       size and SHA-256 of a complete file
 *     uploads/.partial/<upload>/                  upload.json, data: what is under way
 */
import { join } from 'node:path';
import { TokenmillError } from '../../core/errors.js';
import { checkName } from '../../store/workspace.js';

export const RECORDS_FOLDER = '.records';
export const PARTIAL_FOLDER = '.partial';

export const MAX_FILE_NAME = 200;
/** Letters, digits and the punctuation of crawl file names; a first character that no shell or glob treats specially. */
export const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._+=@,-]*$/;
export const CORPUS_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** 128 random bits in hexadecimal. */
export const UPLOAD_ID = /^[0-9a-f]{32}$/;
export const SHA256_HEX = /^[0-9a-f]{64}$/;

export interface FilePaths {
  readonly corpus: string;
  readonly file: string;
  readonly folder: string;
  readonly data: string;
  readonly record: string;
}

/** @throws TokenmillError USAGE */
export function checkCorpus(name: string): void {
  checkName('corpus', name);
}

/** @throws TokenmillError USAGE */
export function checkFile(name: string): void {
  if (name.length <= MAX_FILE_NAME && FILE_NAME.test(name)) return;
  throw new TokenmillError('USAGE', `${JSON.stringify(name.slice(0, 300))} cannot be the name of a file`, {
    hint: `a file name has up to ${MAX_FILE_NAME} letters, digits and . _ + = @ , - and starts with a letter or digit`,
  });
}

/** Paths of a file, whether it exists or not. @throws TokenmillError USAGE */
export function filePaths(uploads: string, corpus: string, file: string): FilePaths {
  checkCorpus(corpus);
  checkFile(file);
  const folder = join(uploads, corpus);
  return {
    corpus,
    file,
    folder,
    data: join(folder, file),
    record: join(uploads, RECORDS_FOLDER, corpus, `${file}.json`),
  };
}
