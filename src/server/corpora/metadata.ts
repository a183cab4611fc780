/** `Upload-Metadata` of tus 1.0: pairs of a key and a Base64 value, separated by commas. */
import { TokenmillError } from '../../core/errors.js';
import { hexSha256 } from './digests.js';
import type { NewUpload } from './store.js';

export const MAX_METADATA_BYTES = 4096;
const KEY = /^[\x21-\x2b\x2d-\x7e]{1,100}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;

/** @throws TokenmillError USAGE */
export function parseMetadata(header: string): Map<string, string> {
  const pairs = new Map<string, string>();
  if (header.length > MAX_METADATA_BYTES) throw usage(`it is longer than ${MAX_METADATA_BYTES} bytes`);
  for (const pair of header.split(',')) {
    const [key, value = '', ...rest] = pair.trim().split(' ');
    if (key === '' && value === '') continue;
    if (!KEY.test(key) || !BASE64.test(value) || rest.length > 0)
      throw usage('it is not key BASE64,key BASE64,...');
    if (pairs.has(key)) throw usage(`it has the key ${key} twice`);
    pairs.set(key, Buffer.from(value, 'base64').toString());
  }
  return pairs;
}

/** What an upload is to become. Keys that the service does not know are kept for the client and mean nothing. */
export function newUploadOf(header: string): NewUpload {
  const pairs = parseMetadata(header);
  const corpus = pairs.get('corpus');
  const file = pairs.get('filename');
  if (corpus === undefined || file === undefined) throw usage('it has to have the keys corpus and filename');
  const sha256 = pairs.get('sha256');
  return {
    corpus,
    file,
    sha256: sha256 === undefined ? undefined : hexSha256('sha256 in Upload-Metadata', sha256),
    ingest: pairs.get('ingest'),
  };
}

function usage(problem: string): TokenmillError {
  return new TokenmillError('USAGE', `Upload-Metadata cannot be used: ${problem}`);
}
