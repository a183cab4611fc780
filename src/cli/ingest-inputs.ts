/** Inputs of `tokenmill ingest`: paths, addresses, lists of them, uploaded corpora, the bundled fixtures. */
import type { AddressRule } from '../ingest/sources/http/address-rule.js';
import { TokenmillError } from '../core/errors.js';
import { packageFile } from '../core/paths.js';
import type { Source } from '../ingest/records.js';
import { expandInputs, type ExpandedInputs } from '../ingest/sources/expand.js';
import { probeSizes } from '../ingest/sources/http/probe.js';
import { isUrl } from '../ingest/sources/location.js';
import { readPathList } from '../ingest/sources/path-list.js';
import type { Workspace } from '../store/workspace.js';
import { expandCorpus } from './corpus.js';

/** Folder of the bundled inputs, and what their sources are called. */
const BUNDLED = 'fixtures/crawl';
/** Addresses whose sizes are asked for beforehand, so that the time left can be told. */
const MAX_PROBES = 500;

export interface InputFlags {
  readonly corpus?: string;
  readonly fromPaths?: string;
  readonly base?: string;
  readonly take?: string;
  readonly sample?: string;
}

export interface IngestInputs extends ExpandedInputs {
  readonly bundled: boolean;
}

/**
 * @param rule for the addresses whose sizes are asked for
 * @throws TokenmillError USAGE, FILE_NOT_FOUND, FILE_FORBIDDEN, DOWNLOAD_FAILED
 */
export async function ingestInputs(
  workspace: Workspace,
  inputs: readonly string[],
  flags: InputFlags,
  rule: AddressRule,
): Promise<IngestInputs> {
  const { corpus, fromPaths } = flags;
  if (fromPaths === undefined && (flags.base ?? flags.take ?? flags.sample) !== undefined) {
    throw new TokenmillError('USAGE', '--base, --take and --sample choose from a list of paths', {
      hint: 'name the list with --from-paths FILE',
    });
  }
  if (corpus !== undefined) {
    if (fromPaths !== undefined)
      throw new TokenmillError('USAGE', '--corpus and --from-paths exclude each other');
    const names = inputs.filter((input) => !isUrl(input));
    const files = await expandCorpus(workspace, corpus, names);
    const addresses = await expandInputs(inputs.filter(isUrl));
    const sources = [...files.sources, ...(await withSizes(addresses.sources, rule))];
    return { sources, skipped: files.skipped, bundled: false };
  }
  if (inputs.length === 0 && fromPaths === undefined) return { ...(await bundledSources()), bundled: true };
  const listed =
    fromPaths === undefined
      ? []
      : await readPathList(fromPaths, {
          base: flags.base,
          take: number('take', flags.take),
          sample: number('sample', flags.sample),
        });
  const { sources, skipped } = await expandInputs([...inputs, ...listed]);
  return { sources: await withSizes(sources, rule), skipped, bundled: false };
}

function number(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new TokenmillError('USAGE', `--${name} ${value} is not a whole number`);
  return Number(value);
}

async function withSizes(sources: readonly Source[], rule: AddressRule): Promise<Source[]> {
  const urls = sources.map(({ location }) => location).filter(isUrl);
  if (urls.length > MAX_PROBES) return [...sources];
  const sizes = await probeSizes(urls, rule);
  return sources.map((source) => ({ ...source, size: sizes.get(source.location) ?? source.size }));
}

/** The bundled inputs under names that do not depend on where the package is. */
async function bundledSources(): Promise<ExpandedInputs> {
  const root = packageFile(BUNDLED);
  const { sources, skipped } = await expandInputs([root]);
  return {
    sources: sources.map((source) => ({ ...source, name: BUNDLED + source.location.slice(root.length) })),
    skipped,
  };
}
