/** `tokenmill tokenizer`: train, encode, decode, info. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { integer, resolveConfig } from '../../core/config.js';
import { TokenmillError } from '../../core/errors.js';
import { formatBytes, formatCount } from '../../core/format.js';
import { stderrLog } from '../../core/log.js';
import { Progress } from '../../core/progress.js';
import { readTexts } from '../../ingest/texts.js';
import { checkName, type Workspace } from '../../store/workspace.js';
import { describeTokenizer } from '../../tokenizer/describe.js';
import { loadTokenizer } from '../../tokenizer/load.js';
import { PATTERN_NAMES } from '../../tokenizer/patterns.js';
import { saveTokenizer } from '../../tokenizer/save.js';
import { Tokenizer } from '../../tokenizer/tokenizer.js';
import { trainTokenizer } from '../../tokenizer/train.js';
import { z } from 'zod';
import { openWorkspace, readInput, withWorkspace, write } from '../context.js';
import { corpusPaths } from '../corpus.js';

/** Larger texts are encoded by `ingest`, which streams. */
const MAX_ENCODE_BYTES = 1_000_000_000;

export function tokenizerCommand(): Command {
  const command = new Command('tokenizer').description('Trains and applies byte-level BPE tokenizers.');
  for (const sub of [trainCommand(), encodeCommand(), decodeCommand(), infoCommand()])
    command.addCommand(sub);
  return command;
}

const trainSchema = z.object({ vocabSize: integer(256, 1_000_000), minFrequency: integer(1).default(1) });

interface TrainFlags {
  out?: string;
  saveAs?: string;
  corpus?: string;
  workspace?: string;
  special: string[];
  pattern: string;
  vocabSize: string;
  minFrequency?: string;
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
    .option('--json', 'print a description of the tokenizer as JSON')
    .addHelpText(
      'after',
      "\nExample:\n  tokenmill tokenizer train corpus.txt --vocab-size 8192 --special '<|endoftext|>' --out my-tokenizer",
    );
  return withWorkspace(command).action(runTrain);
}

async function runTrain(inputs: string[], flags: TrainFlags): Promise<void> {
  const { vocabSize, minFrequency } = resolveConfig(trainSchema, { flags: { ...flags } });
  const workspace = openWorkspace(flags);
  const folder = outputFolder(flags, workspace);
  if (inputs.length === 0 && flags.corpus === undefined) {
    throw new TokenmillError('USAGE', 'there is nothing to learn from', {
      hint: 'name files or folders, or a corpus with --corpus',
    });
  }
  const paths = flags.corpus === undefined ? inputs : corpusPaths(workspace, flags.corpus, inputs);
  const progress = new Progress({ label: 'train', format: formatCount });
  const model = await trainTokenizer(readTexts(paths), {
    vocabSize,
    minFrequency,
    specials: flags.special,
    pattern: flags.pattern,
    onProgress: ({ stage, done, total }) => progress.update({ done, total, note: stage }),
  });
  progress.clear();
  await saveTokenizer(model, folder);
  stderrLog(`wrote ${folder}`);
  if (flags.json === true) await write(`${JSON.stringify(describeTokenizer(new Tokenizer(model)))}\n`);
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

function withTokenizer(command: Command): Command {
  return withWorkspace(
    command.requiredOption(
      '--tokenizer <tokenizer>',
      'a name (of the workspace, or gpt2, cl100k_base, o200k_base), a file or a folder',
    ),
  );
}

function encodeCommand(): Command {
  return withTokenizer(
    new Command('encode')
      .description('Turns a text into token ids.')
      .argument('[file]', 'the text; - or nothing reads standard input'),
  )
    .addOption(
      new Option('--format <format>', 'one array of ids, or how many there are')
        .choices(['json', 'count'])
        .default('json'),
    )
    .option('--no-special', 'take special tokens in the text as ordinary text')
    .addHelpText('after', '\nExample:\n  echo -n "hello world" | tokenmill tokenizer encode --tokenizer gpt2')
    .action(
      async (
        file: string | undefined,
        flags: { tokenizer: string; format: 'json' | 'count'; special: boolean; workspace?: string },
      ) => {
        const tokenizer = await loadTokenizer(flags.tokenizer, { folder: openWorkspace(flags).tokenizers });
        const ids = tokenizer.encode(await readInput(file, MAX_ENCODE_BYTES), {
          allowedSpecial: flags.special ? 'all' : 'none',
        });
        if (flags.format === 'count') {
          await write(`${ids.length}\n`);
          return;
        }
        // In pieces, so that the text of many ids is never one string.
        for (let start = 0; start < ids.length || start === 0; start += 65_536) {
          const part = ids.subarray(start, start + 65_536).join(',');
          await write(`${start === 0 ? '[' : ','}${part}`);
        }
        await write(']\n');
      },
    );
}

function decodeCommand(): Command {
  return withTokenizer(
    new Command('decode')
      .description('Turns token ids into the bytes of their text.')
      .argument('[file]', 'a JSON array of ids; - or nothing reads standard input'),
  )
    .addHelpText('after', '\nExample:\n  echo "[31373, 995]" | tokenmill tokenizer decode --tokenizer gpt2')
    .action(async (file: string | undefined, flags: { tokenizer: string; workspace?: string }) => {
      const tokenizer = await loadTokenizer(flags.tokenizer, { folder: openWorkspace(flags).tokenizers });
      await write(tokenizer.decode(parseIds(await readInput(file, MAX_ENCODE_BYTES), tokenizer.vocabSize)));
    });
}

function parseIds(bytes: Uint8Array, vocabSize: number): Uint32Array {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new TokenmillError('INPUT_CORRUPT', `the ids are not JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!Array.isArray(parsed)) throw new TokenmillError('INPUT_CORRUPT', 'the ids are not one JSON array');
  const bad = parsed.findIndex(
    (id) => !Number.isInteger(id) || (id as number) < 0 || (id as number) >= vocabSize,
  );
  if (bad !== -1) {
    throw new TokenmillError(
      'INPUT_CORRUPT',
      `element ${bad}, ${JSON.stringify(parsed[bad])}, is not an id below ${vocabSize}`,
    );
  }
  return Uint32Array.from(parsed as number[]);
}

function infoCommand(): Command {
  return withWorkspace(
    new Command('info')
      .description('Describes a tokenizer.')
      .argument('<tokenizer>', 'a name, a file or a folder'),
  )
    .option('--text <file>', 'also measure the compression of this text')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  tokenmill tokenizer info gpt2 --text README.md')
    .action(async (name: string, flags: { text?: string; json?: boolean; workspace?: string }) => {
      const tokenizer = await loadTokenizer(name, { folder: openWorkspace(flags).tokenizers });
      const info: Record<string, unknown> = { ...describeTokenizer(tokenizer) };
      if (flags.text !== undefined) {
        const text = await readInput(flags.text, MAX_ENCODE_BYTES);
        const tokens = tokenizer.encode(text, { allowedSpecial: 'none' }).length;
        Object.assign(info, {
          text: formatBytes(text.length),
          tokens,
          bytes_per_token: Number((text.length / tokens).toFixed(3)),
        });
      }
      if (flags.json === true) {
        await write(`${JSON.stringify(info)}\n`);
        return;
      }
      const width = Math.max(...Object.keys(info).map((key) => key.length));
      await write(
        Object.entries(info)
          .map(
            ([key, value]) =>
              `${key.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}\n`,
          )
          .join(''),
      );
    });
}
