/** What follows on a complete file, where its upload asked for it: an ingest job. */
import { TokenmillError } from '../../core/errors.js';

/** Starts the ingest of a file that became complete. Resolves to the id of the job. */
export type OnComplete = (file: {
  readonly corpus: string;
  readonly file: string;
  readonly dataset: string;
}) => Promise<string>;

/** The job of an ingest that an upload asked for, or why none could be started: the file is complete in any case. */
export interface StartedIngest {
  readonly job: string | null;
  readonly problem: string | null;
}

export async function startIngest(
  onComplete: OnComplete | undefined,
  corpus: string,
  file: string,
  dataset: string | null,
): Promise<StartedIngest> {
  if (onComplete === undefined || dataset === null) return { job: null, problem: null };
  try {
    return { job: await onComplete({ corpus, file, dataset }), problem: null };
  } catch (error) {
    if (!(error instanceof TokenmillError)) throw error;
    return { job: null, problem: `${error.code}: ${error.message}` };
  }
}
