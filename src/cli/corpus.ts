/** `--corpus NAME`: inputs are files that were uploaded to the workspace, called by their place in it. */
import { join } from 'node:path';
import { checkName, type Workspace } from '../store/workspace.js';
import { expandInputs, type ExpandedInputs } from '../ingest/sources/expand.js';

/**
 * Sources of a corpus, all or the files named, with names such as `uploads/crawl/1.warc.gz` on every machine.
 * @throws TokenmillError USAGE for a name that cannot be a corpus, FILE_NOT_FOUND
 */
export async function expandCorpus(
  workspace: Workspace,
  corpus: string,
  files: readonly string[],
): Promise<ExpandedInputs> {
  const { sources, skipped } = await expandInputs(corpusPaths(workspace, corpus, files));
  const named = sources.map((source) => ({
    ...source,
    name: `uploads${source.location.slice(workspace.uploads.length)}`,
  }));
  return { sources: named, skipped };
}

/** Paths of a corpus's files, or of its folder. @throws TokenmillError USAGE */
export function corpusPaths(workspace: Workspace, corpus: string, files: readonly string[]): string[] {
  checkName('corpus', corpus);
  const folder = join(workspace.uploads, corpus);
  return files.length === 0 ? [folder] : files.map((file) => join(folder, file));
}
