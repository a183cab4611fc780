/** Limits of cutting, in bytes; a caller may lower them. */
import { MAX_HEADER_BYTES, MAX_LINE_BYTES, MAX_RECORD_BYTES, MAX_TEXT_FILE_BYTES } from '../records.js';

export interface CutLimits {
  readonly recordBytes: number;
  readonly headerBytes: number;
  readonly lineBytes: number;
  readonly fileBytes: number;
}

export const CUT_LIMITS: CutLimits = {
  recordBytes: MAX_RECORD_BYTES,
  headerBytes: MAX_HEADER_BYTES,
  lineBytes: MAX_LINE_BYTES,
  fileBytes: MAX_TEXT_FILE_BYTES,
};
