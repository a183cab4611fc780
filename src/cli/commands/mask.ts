/** `tokenmill mask`: replaces personal data in one text. */
import { Command } from 'commander';
import { maskPii, MASK_PROFILES } from '../../filters/pii/mask.js';
import { parseMask } from '../../filters/text-treatment.js';
import { MAX_RECORD_BYTES } from '../../ingest/records.js';
import { readInput, write } from '../context.js';

export function maskCommand(): Command {
  return new Command('mask')
    .description(
      'Replaces personal data in one text: e-mail and IP addresses, phone, card and account numbers, keys.',
    )
    .argument('[file]', 'the text, in UTF-8; - or nothing reads standard input')
    .option(
      '--profile <profile>',
      `what is replaced, and by what: ${Object.keys(MASK_PROFILES).join(', ')}; then kind=text for other replacements`,
      'default',
    )
    .option('--json', 'print {text, counts} as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  tokenmill mask page.txt\n  tokenmill extract page.html | tokenmill mask --profile cs336 --json\n  tokenmill mask page.txt --profile "default,email=<email>"',
    )
    .action(run);
}

async function run(file: string | undefined, flags: { profile: string; json?: boolean }): Promise<void> {
  const profile = parseMask(flags.profile);
  const masked = maskPii(new TextDecoder().decode(await readInput(file, MAX_RECORD_BYTES)), profile);
  await write(flags.json === true ? `${JSON.stringify(masked)}\n` : masked.text);
}
