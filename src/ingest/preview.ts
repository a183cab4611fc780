/** What an ingest would read, and with what settings, without reading more than the beginning of each source. */
import { readCommits, latestSources } from '../store/commits.js';
import type { Workspace } from '../store/workspace.js';
import { readHead } from './containers/content.js';
import { startsWithTar } from './containers/tar.js';
import { layoutOf } from './formats/detect.js';
import { DATASET_DEFAULTS, datasetConfigSchema, namedFields, type IngestOptions } from './options.js';
import type { Source } from './records.js';
import { STDIN } from './sources/location.js';

export interface SourcePreview {
  readonly source: string;
  readonly size: number | null;
  /** Null where it cannot be told without reading it. */
  readonly container: string | null;
  readonly format: string | null;
  readonly state: 'new' | 'begun' | 'finished';
  /** Why it cannot be read, where that is so. */
  readonly problem: string | null;
}

export interface IngestPreview {
  readonly dataset: string;
  readonly exists: boolean;
  readonly policy: string;
  readonly tokenizer: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly sources: readonly SourcePreview[];
  /** Bytes of the sources that are not finished; null where a size is not known. */
  readonly bytes: number | null;
}

/** Changes nothing; standard input is not touched. @throws TokenmillError DATASET_CORRUPT */
export async function previewIngest(
  sources: readonly Source[],
  options: IngestOptions,
  workspace: Workspace,
): Promise<IngestPreview> {
  const exists = await workspace.hasDataset(options.dataset);
  const config = exists
    ? datasetConfigSchema.parse(await workspace.readDatasetConfig(options.dataset))
    : undefined;
  const commits = exists ? await readCommits(workspace.dataset(options.dataset)) : [];
  const progress = new Map(latestSources(commits).map((source) => [source.source, source]));
  const previews: SourcePreview[] = [];
  for (const source of sources) {
    const known = progress.get(source.name);
    const state = known === undefined ? 'new' : known.finished ? 'finished' : 'begun';
    previews.push({ source: source.name, size: source.size, state, ...(await look(source, options)) });
  }
  const open = previews.filter(({ state }) => state !== 'finished');
  return {
    dataset: options.dataset,
    exists,
    policy: config?.policy.name ?? options.policy ?? DATASET_DEFAULTS.policy,
    tokenizer: config?.tokenizer ?? options.tokenizer ?? DATASET_DEFAULTS.tokenizer,
    fields: { ...namedFields(options) },
    sources: previews,
    bytes: open.every(({ size }) => size !== null)
      ? open.reduce((sum, { size }) => sum + (size ?? 0), 0)
      : null,
  };
}

async function look(
  source: Source,
  options: IngestOptions,
): Promise<Pick<SourcePreview, 'container' | 'format' | 'problem'>> {
  if (source.location === STDIN) return { container: null, format: options.format ?? null, problem: null };
  try {
    const { container, content } = await readHead(source.location);
    const format = startsWithTar(content)
      ? 'tar'
      : layoutOf(content, source.name, { format: options.format }).format;
    return { container, format, problem: null };
  } catch (error) {
    return { container: null, format: null, problem: (error as Error).message };
  }
}
