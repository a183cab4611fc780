/** `tokenmill tokenizer`: what it can do, and training. */
import { join } from 'node:path';
import { Command } from 'commander';
import { availableParallelism } from 'node:os';
import { byteSize, integer, resolveConfig } from '../../core/config.js';
import { TokenmillError } from '../../core/errors.js';
import { formatBytes, formatCount } from '../../core/format.js';
import { stderrLog } from '../../core/log.js';
import { Progress } from '../../core/progress.js';
import { expandInputs } from '../../ingest/sources/expand.js';
import { readTextParts } from '../../ingest/text-parts.js';
import { checkName, type Workspace } from '../../store/workspace.js';
import { describeTokenizer } from '../../tokenizer/describe.js';
import { PATTERN_NAMES } from '../../tokenizer/patterns.js';
import { saveTokenizer } from '../../tokenizer/save.js';
import { Tokenizer } from '../../tokenizer/tokenizer.js';
import { trainTokenizer } from '../../tokenizer/train.js';
import { z } from 'zod';
import { openWorkspace, withWorkspace, write } from '../context.js';
import { corpusPaths } from '../corpus.js';
import { convertCommand, decodeCommand, encodeCommand, infoCommand } from './tokenizer-apply.js';

export function tokenizerCommand(): Command {
  const command = new Command('tokenizer').description('Trains and applies byte-level BPE tokenizers.');
  for (const sub of [trainCommand(), encodeCommand(), decodeCommand(), infoCommand(), convertCommand()])
    command.addCommand(sub);
  return command;
}

/** Below this, starting threads takes longer than they save. */
const MIN_PARALLEL_BYTES = 64e6;
const MAX_WORKERS = 64;

const trainSchema = z.object({
  vocabSize: integer(256, 1_000_000),
  minFrequency: integer(1).default(1),
  ties: z.enum(['bytes', 'ids']).default('bytes'),
  workers: integer(0, MAX_WORKERS).optional(),
  memory: byteSize.pipe(z.number().min(1e6)).default(4e9),
});

interface TrainFlags {
  out?: string;
  saveAs?: string;
  corpus?: string;
  workspace?: string;
  special: string[];
  pattern: string;
  vocabSize: string;
  minFrequency?: string;
  ties?: string;
  workers?: string;
  memory?: string;
  json?: boolean;
}

function trainCommand(): Command {
  const command = new Command('train')
    .description('Learns merges from texts and writes tokenizer.json, vocab.json and merges.txt.')
    .argument('[input...]', 'files, folders or globs of any format that ingest reads; - for standard input')
    .requiredOption('--vocab-size <n>', 'tokens in the vocabulary, the 256 bytes and the specials included')
    .option('--out <dir>', 'folder to write to')
    .option('--save-as <name>', 'write it into the workspace under this name, instead of --out')
    .option('--corpus <name>', 'read this uploaded corpus: the inputs are names of its files (none: all)')
    .option(
      '--special <token>',
      'a special token, never merged; may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option(
      '--pattern <pattern>',
      `how text is cut before merging: ${PATTERN_NAMES.join(', ')}, or a regular expression`,
      'gpt2',
    )
    .option('--min-frequency <n>', 'pairs seen less often are not merged (default: 1)')
    .option(
      '--ties <rule>',
      'which of equally frequent pairs is merged first: bytes (the greater byte strings), or ids (the lower ids, as Hugging Face does) (default: bytes)',
    )
    .option(
      '--workers <n>',
      'threads that count pre-tokens, 0 for none (default: one a core from 64 MB of input on); the result is the same',
    )
    .option(
      '--memory <size>',
      'memory for different pre-tokens; beyond, the rarest are left out, which is said (default: 4GB)',
    )
    .option('--json', 'print a description of the tokenizer as JSON')
    .addHelpText(
      'after',
      "\nExample:\n  tokenmill tokenizer train corpus.txt --vocab-size 8192 --special '<|endoftext|>' --out my-tokenizer",
    );
  return withWorkspace(command).action(runTrain);
}

async function runTrain(inputs: string[], flags: TrainFlags): Promise<void> {
  const { vocabSize, minFrequency, ties, memory, workers } = resolveConfig(trainSchema, {
    flags: { ...flags },
  });
  const workspace = openWorkspace(flags);
  const folder = outputFolder(flags, workspace);
  if (inputs.length === 0 && flags.corpus === undefined) {
    throw new TokenmillError('USAGE', 'there is nothing to learn from', {
      hint: 'name files or folders, or a corpus with --corpus',
    });
  }
  const paths = flags.corpus === undefined ? inputs : corpusPaths(workspace, flags.corpus, inputs);
  const progress = new Progress({ label: 'train', format: formatCount });
  let counted = 0;
  const model = await trainTokenizer(readTextParts(paths), {
    vocabSize,
    minFrequency,
    ties,
    specials: flags.special,
    pattern: flags.pattern,
    threads: workers ?? (await defaultWorkers(paths)),
    memory,
    onLeftOut: ({ pieces, floor }) =>
      stderrLog(
        `${formatBytes(memory)} were not enough: ${formatCount(pieces)} times a pre-token seen at most ${floor} times was left out, so the merges may differ from exact ones; give more with --memory`,
      ),
    onProgress: ({ stage, done, total }) => {
      if (stage === 'count') counted = done;
      progress.update({ done, total, note: stage });
    },
  });
  progress.clear();
  if (counted === 0) {
    throw new TokenmillError('USAGE', 'the inputs have no text to learn from', {
      hint: 'what was read of them is empty, binary, or told above to be bad',
    });
  }
  await saveTokenizer(model, folder);
  stderrLog(`wrote ${folder}`);
  if (flags.json === true) await write(`${JSON.stringify(describeTokenizer(new Tokenizer(model)))}\n`);
}

async function defaultWorkers(paths: readonly string[]): Promise<number> {
  const { sources } = await expandInputs([...paths]);
  const bytes = sources.reduce((sum, { size }) => sum + (size ?? 0), 0);
  return bytes < MIN_PARALLEL_BYTES ? 0 : Math.min(availableParallelism(), MAX_WORKERS);
}

/** @throws TokenmillError USAGE unless exactly one of --out and --save-as is given */
function outputFolder({ out, saveAs }: TrainFlags, workspace: Workspace): string {
  if (saveAs !== undefined && out === undefined) {
    checkName('tokenizer', saveAs);
    return join(workspace.tokenizers, saveAs);
  }
  if (out !== undefined && saveAs === undefined) return out;
  throw new TokenmillError('USAGE', 'give either --out or --save-as', {
    hint: '--out DIR writes to a folder, --save-as NAME to the tokenizers of the workspace',
  });
}
