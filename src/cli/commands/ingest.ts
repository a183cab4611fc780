/** `tokenmill ingest`: brings inputs into a dataset. */
import { Command } from 'commander';
import { formatBytes, formatCount } from '../../core/format.js';
import { stderrLog } from '../../core/log.js';
import { packageFile } from '../../core/paths.js';
import { Progress } from '../../core/progress.js';
import { ingest, type IngestSummary } from '../../ingest/ingest.js';
import { ingestOptionsSchema } from '../../ingest/options.js';
import type { Source } from '../../ingest/records.js';
import { expandInputs } from '../../ingest/sources/expand.js';
import {
  interruptSignal,
  openWorkspace,
  settingsOf,
  withSettings,
  withWorkspace,
  write,
} from '../context.js';
import { expandCorpus } from '../corpus.js';
import { collectSetting } from '../settings.js';

/** Folder of the bundled inputs, and what their sources are called. */
const BUNDLED = 'fixtures/crawl';

export function ingestCommand(): Command {
  const command = new Command('ingest')
    .description(
      'Reads crawl files, keeps the good documents once each, and writes token shards into the queue.',
    )
    .argument('[input...]', 'files, folders, globs, or - for standard input; none: the bundled fixtures')
    .option('--corpus <name>', 'read this uploaded corpus: the inputs are names of its files (none: all)')
    .option('--set <name=value>', 'a threshold of the policy; may be repeated', collectSetting)
    .option('--json', 'print the summary as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill ingest                                        the bundled fixtures into dataset "default"
  tokenmill ingest crawl/*.warc.gz --dataset crawl        a crawl, with the policy "gopher"
  tokenmill ingest notes/ --policy keep-all --tokenizer gpt2
  tokenmill ingest crawl/ --set min_words=100
The same command again continues where it stopped, and skips what it has read.`,
    );
  withWorkspace(withSettings(command, ingestOptionsSchema, ['set']));
  return command.action(run);
}

async function run(
  inputs: string[],
  flags: Record<string, unknown> & { workspace?: string; corpus?: string; json?: boolean },
): Promise<void> {
  const workspace = openWorkspace(flags);
  const options = await settingsOf('ingest', ingestOptionsSchema, flags);
  const bundled = inputs.length === 0 && flags.corpus === undefined;
  const { sources, skipped } = bundled
    ? await bundledSources()
    : flags.corpus === undefined
      ? await expandInputs(inputs)
      : await expandCorpus(workspace, flags.corpus, inputs);
  for (const path of skipped) stderrLog(`${path}: skipped, not a kind of file that is read`);
  const progress = new Progress({ label: 'ingest', format: formatBytes });
  const summary = await ingest(sources, options, {
    workspace,
    log(message) {
      progress.clear();
      stderrLog(message);
    },
    onProgress({ bytes, totalBytes, documents, kept }) {
      progress.update({
        done: bytes,
        total: totalBytes,
        note: `${formatCount(documents)} documents, ${formatCount(kept)} kept`,
        values: { documents, kept },
      });
    },
    signal: interruptSignal('finishing the window; press Ctrl-C again to stop at once'),
  });
  progress.clear();
  await write(flags.json === true ? `${JSON.stringify(summary)}\n` : describeSummary(summary, bundled));
}

/** The bundled inputs under names that do not depend on where the package is. */
async function bundledSources(): Promise<{ sources: Source[]; skipped: string[] }> {
  const root = packageFile(BUNDLED);
  const { sources, skipped } = await expandInputs([root]);
  return {
    sources: sources.map((source) => ({ ...source, name: BUNDLED + source.location.slice(root.length) })),
    skipped,
  };
}

function describeSummary(summary: IngestSummary, bundled: boolean): string {
  const { counts, totals } = summary;
  const of = (name: string): string => formatCount(counts[name] ?? 0);
  const reasons = (prefix: string): string[] =>
    Object.entries(counts)
      .filter(([name]) => name.startsWith(prefix))
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => `    ${formatCount(count).padStart(9)}  ${name.slice(prefix.length)}`);
  const lines = [
    `dataset ${summary.dataset}: ${summary.sources} sources read, ${summary.skipped} skipped`,
    `  ${of('records').padStart(9)}  records read`,
    `  ${of('non_documents').padStart(9)}  are not documents`,
    ...reasons('non_document.'),
    `  ${of('bad').padStart(9)}  are bad`,
    ...reasons('bad.'),
    `  ${of('documents').padStart(9)}  documents`,
    `  ${of('dropped').padStart(9)}  dropped`,
    ...reasons('dropped.'),
    `  ${of('kept').padStart(9)}  kept: ${formatBytes(counts['kept_bytes'] ?? 0)} of text, ${of('tokens')} tokens (${of('tokens.train')} train, ${of('tokens.valid')} valid)`,
    `  ${formatCount(summary.shards).padStart(9)}  shards sealed in ${formatCount(summary.commits)} commits, tokenizer ${summary.tokenizer ?? '-'}`,
  ];
  if (summary.skipped > 0 || totals['records'] !== counts['records']) {
    lines.push(
      `in all: ${formatCount(totals['documents'] ?? 0)} documents, ${formatCount(totals['kept'] ?? 0)} kept, ${formatCount(totals['tokens'] ?? 0)} tokens`,
    );
  }
  const name = summary.dataset === 'default' ? '' : ` --dataset ${summary.dataset}`;
  lines.push(
    '',
    'Next:',
    bundled ? '  npm run train' : `  tokenmill train${name}`,
    `  ${bundled ? 'npx tokenmill query' : 'tokenmill query'} "select verdict, reason, count(*) from documents group by all order by all"`,
    '',
  );
  return lines.join('\n');
}
