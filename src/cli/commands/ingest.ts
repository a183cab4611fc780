/** `tokenmill ingest`: brings inputs into a dataset. */
import { anyAddress, isPublicAddress } from '../../ingest/sources/http/address-rule.js';
import { Command } from 'commander';
import { TokenmillError } from '../../core/errors.js';
import { formatBytes, formatCount } from '../../core/format.js';
import { stderrLog } from '../../core/log.js';
import { Progress } from '../../core/progress.js';
import { DOWNLOADS, ingest, type IngestSummary } from '../../ingest/ingest.js';
import { ingestOptionsSchema } from '../../ingest/options.js';
import { previewIngest, type IngestPreview } from '../../ingest/preview.js';
import { readChecksums } from '../../ingest/sources/checksums.js';
import {
  interruptSignal,
  openWorkspace,
  settingsOf,
  withSettings,
  withWorkspace,
  write,
} from '../context.js';
import { ingestInputs, type InputFlags } from '../ingest-inputs.js';
import { collectSetting } from '../settings.js';

/** Connections beyond this are taken for an attack by some servers. */
const MAX_DOWNLOADS = 32;

export function ingestCommand(): Command {
  const command = new Command('ingest')
    .description(
      'Reads crawl files, keeps the good documents once each, and writes token shards into the queue.',
    )
    .argument(
      '[input...]',
      'files, folders, globs, http(s) addresses, or - for standard input; none: the bundled fixtures',
    )
    .option(
      '--corpus <name>',
      'read this uploaded corpus: the inputs are names of its files (none: all), and addresses',
    )
    .option('--from-paths <file>', 'read what this list names, a path a line, for example warc.paths.gz')
    .option('--base <url>', 'address or folder that the paths of the list are relative to')
    .option('--take <n>', 'only so many paths of the list: the first, or with --sample as many by chance')
    .option('--sample <seed>', 'choose the paths by chance; the same seed chooses the same')
    .option('--checksums <file>', 'checksums of addresses, as sha256sum writes them')
    .option('--parallel <n>', `files that are downloaded at the same time (default: ${DOWNLOADS})`)
    .option(
      '--public-addresses',
      'refuse addresses that are not of the public network, also behind names and redirects',
    )
    .option('--dry-run', 'say what would be read, and change nothing')
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
  tokenmill ingest posts.csv --text-field body --id-field key
  tokenmill ingest https://example.com/a.warc.gz --checksums SHA256SUMS
  tokenmill ingest --from-paths wet.paths.gz --base https://data.commoncrawl.org/ --take 10 --sample 1
  tokenmill ingest crawl.tar.gz --dry-run
The same command again continues where it stopped, and skips what it has read.`,
    );
  withWorkspace(withSettings(command, ingestOptionsSchema, ['set']));
  return command.action(run);
}

interface Flags extends InputFlags, Record<string, unknown> {
  readonly workspace?: string;
  readonly checksums?: string;
  readonly parallel?: string;
  readonly publicAddresses?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

async function run(inputs: string[], flags: Flags): Promise<void> {
  const workspace = openWorkspace(flags);
  const options = await settingsOf('ingest', ingestOptionsSchema, flags);
  // What only looks at inputs is for whoever may name any.
  if (flags.publicAddresses === true && flags.dryRun === true)
    throw new TokenmillError('USAGE', '--public-addresses and --dry-run exclude each other');
  const rule = flags.publicAddresses === true ? isPublicAddress : anyAddress;
  const { sources, skipped, bundled } = await ingestInputs(workspace, inputs, flags, rule);
  for (const path of skipped) stderrLog(`${path}: skipped, not a kind of file that is read`);
  if (flags.dryRun === true) {
    const preview = await previewIngest(sources, options, workspace);
    await write(flags.json === true ? `${JSON.stringify(preview)}\n` : describePreview(preview));
    return;
  }
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
    download: {
      rule,
      parallel: parallelDownloads(flags.parallel),
      checksumOf: flags.checksums === undefined ? undefined : await readChecksums(flags.checksums),
      onProgress: (url, done, total) =>
        progress.update({ done, total: total ?? undefined, note: `downloading ${url}` }),
    },
    signal: interruptSignal('finishing the window; press Ctrl-C again to stop at once'),
  });
  progress.clear();
  await write(flags.json === true ? `${JSON.stringify(summary)}\n` : describeSummary(summary, bundled));
}

function parallelDownloads(value: string | undefined): number {
  if (value === undefined) return DOWNLOADS;
  const parallel = /^\d{1,2}$/.test(value) ? Number(value) : 0;
  if (parallel >= 1 && parallel <= MAX_DOWNLOADS) return parallel;
  throw new TokenmillError('USAGE', `--parallel ${value} is not a number from 1 to ${MAX_DOWNLOADS}`);
}

function describePreview(preview: IngestPreview): string {
  const rows = preview.sources.map(({ source, size, container, format, state, problem }) => {
    const packed = container === null || container === 'plain' ? '' : ` in ${container}`;
    const what = problem ?? `${format ?? 'told when it is read'}${packed}`;
    return [size === null ? '?' : formatBytes(size), state, what, source];
  });
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column].length)));
  const fields = Object.entries(preview.fields).map(([name, path]) => `, ${name} in ${path}`);
  return [
    `dataset ${preview.dataset}: ${preview.exists ? 'continues' : 'would be created'}, policy ${preview.policy}, tokenizer ${preview.tokenizer}${fields.join('')}`,
    ...rows.map(
      ([size, state, what, source]) =>
        `  ${size.padStart(widths[0])}  ${state.padEnd(widths[1])}  ${what.padEnd(widths[2])}  ${source}`,
    ),
    `${formatCount(rows.length)} sources, ${preview.bytes === null ? 'of unknown size' : formatBytes(preview.bytes)} to read; nothing was changed`,
    '',
  ].join('\n');
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
