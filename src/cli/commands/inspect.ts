/** `tokenmill inspect`: what the signals and a policy say about one text. */
import { Command } from 'commander';
import { inspectText } from '../../filters/inspect.js';
import { loadPolicy } from '../../filters/policy.js';
import { prepareTreatment, TextTreatment } from '../../filters/text-treatment.js';
import { DATASET_DEFAULTS } from '../../ingest/options.js';
import { MAX_RECORD_BYTES } from '../../ingest/records.js';
import { readInput, write } from '../context.js';
import { collectSetting } from '../settings.js';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Measures one text and says whether a policy keeps it.')
    .argument('[file]', 'the text, in UTF-8; - or nothing reads standard input')
    .option('--policy <policy>', 'a name in sql/policies or a SQL file', DATASET_DEFAULTS.policy)
    .option('--set <name=value>', 'a threshold of the policy; may be repeated', collectSetting)
    .option('--url <url>', 'address of the document, for rules that look at it')
    .option(
      '--url-lists <paths>',
      'lists that the address is looked up in: files or folders, separated by commas',
    )
    .option('--json', 'print {verdict, reason, measured, signals} as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  tokenmill inspect page.txt\n  tokenmill extract page.html | tokenmill inspect --policy cs336 --json',
    )
    .action(run);
}

async function run(
  file: string | undefined,
  flags: { policy: string; set?: Record<string, string>; url?: string; urlLists?: string; json?: boolean },
): Promise<void> {
  const policy = await loadPolicy(flags.policy, { set: flags.set });
  const text = new TextDecoder().decode(await readInput(file, MAX_RECORD_BYTES));
  const { data } = await prepareTreatment({ urlLists: flags.urlLists });
  const { lists } = new TextTreatment(data);
  const result = await inspectText(text, policy, { url: flags.url ?? null, lists });
  if (flags.json === true) {
    await write(`${JSON.stringify(result)}\n`);
    return;
  }
  const verdict = result.reason === null ? 'keep' : `drop: ${result.reason} (measured ${result.measured})`;
  const width = Math.max(...Object.keys(result.signals).map((name) => name.length));
  const rows = Object.entries(result.signals).map(
    ([name, value]) => `  ${name.padEnd(width)}  ${String(value)}`,
  );
  await write(`${verdict}\n${rows.join('\n')}\n`);
}
