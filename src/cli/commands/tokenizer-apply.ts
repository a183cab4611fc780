/** `tokenmill tokenizer` with a tokenizer that is there: encode, decode, info, convert. */
import { Command, Option } from 'commander';
import { TokenmillError } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import { formatBytes } from '../../core/format.js';
import { describeTokenizer } from '../../tokenizer/describe.js';
import { toTiktoken } from '../../tokenizer/formats/tiktoken.js';
import { loadTokenizer } from '../../tokenizer/load.js';
import { saveTokenizer } from '../../tokenizer/save.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { openInput, openWorkspace, readInput, withWorkspace, write } from '../context.js';

/** Larger inputs are refused where they have to be in memory. */
const MAX_INPUT_BYTES = 1_000_000_000;

/** Ids that are written at a time, so that the text of many ids is never one string. */
const WRITTEN_IDS = 65_536;

function withTokenizer(command: Command): Command {
  return withWorkspace(
    command.requiredOption(
      '--tokenizer <tokenizer>',
      'a name (of the workspace, or gpt2, cl100k_base, o200k_base), a file or a folder',
    ),
  );
}

interface EncodeFlags {
  tokenizer: string;
  format: 'json' | 'count';
  offsets?: boolean;
  special: boolean;
  workspace?: string;
}

export function encodeCommand(): Command {
  return withTokenizer(
    new Command('encode')
      .description('Turns a text into token ids. Reads it as a stream: it may be of any size.')
      .argument('[file]', 'the text; - or nothing reads standard input'),
  )
    .addOption(
      new Option('--format <format>', 'one array of ids, or how many there are')
        .choices(['json', 'count'])
        .default('json'),
    )
    .option('--offsets', 'print {"ids", "offsets"}: of each token, where its bytes begin and end in the text')
    .option('--no-special', 'take special tokens in the text as ordinary text')
    .addHelpText('after', '\nExample:\n  echo -n "hello world" | tokenmill tokenizer encode --tokenizer gpt2')
    .action(async (file: string | undefined, flags: EncodeFlags) => {
      const tokenizer = await loadTokenizer(flags.tokenizer, { folder: openWorkspace(flags).tokenizers });
      const allowedSpecial = flags.special ? 'all' : 'none';
      if (flags.offsets === true) {
        await writeOffsets(tokenizer, await readInput(file, MAX_INPUT_BYTES), allowedSpecial);
        return;
      }
      let count = 0;
      for await (const ids of tokenizer.encodeStream(openInput(file), { allowedSpecial })) {
        if (flags.format === 'json') await writeList(ids, count === 0 ? '[' : ',', String);
        count += ids.length;
      }
      if (flags.format === 'count') await write(`${count}\n`);
      else await write(count === 0 ? '[]\n' : ']\n');
    });
}

async function writeOffsets(
  tokenizer: Tokenizer,
  text: Uint8Array,
  allowedSpecial: 'all' | 'none',
): Promise<void> {
  const { ids, starts, ends } = tokenizer.encodeWithOffsets(text, { allowedSpecial });
  await writeList(ids, '{"ids":[', String);
  await writeList(ids, '],"offsets":[', (_, index) => `[${starts[index]},${ends[index]}]`);
  await write(']}\n');
}

/** Writes elements with commas between them, and `before` in front. */
async function writeList(
  ids: Uint32Array,
  before: string,
  show: (id: number, index: number) => string,
): Promise<void> {
  if (ids.length === 0) await write(before);
  for (let start = 0; start < ids.length; start += WRITTEN_IDS) {
    const part = Array.from(ids.subarray(start, start + WRITTEN_IDS), (id, index) => show(id, start + index));
    await write(`${start === 0 ? before : ','}${part.join(',')}`);
  }
}

export function decodeCommand(): Command {
  return withTokenizer(
    new Command('decode')
      .description('Turns token ids into the bytes of their text.')
      .argument('[file]', 'a JSON array of ids; - or nothing reads standard input'),
  )
    .addHelpText('after', '\nExample:\n  echo "[31373, 995]" | tokenmill tokenizer decode --tokenizer gpt2')
    .action(async (file: string | undefined, flags: { tokenizer: string; workspace?: string }) => {
      const tokenizer = await loadTokenizer(flags.tokenizer, { folder: openWorkspace(flags).tokenizers });
      await write(tokenizer.decode(parseIds(await readInput(file, MAX_INPUT_BYTES), tokenizer.vocabSize)));
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

export function infoCommand(): Command {
  return withWorkspace(
    new Command('info')
      .description('Describes a tokenizer.')
      .argument('<tokenizer>', 'a name, a file or a folder'),
  )
    .option('--text <file>', 'also measure the compression of this text; - for standard input')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  tokenmill tokenizer info gpt2 --text README.md')
    .action(async (name: string, flags: { text?: string; json?: boolean; workspace?: string }) => {
      const tokenizer = await loadTokenizer(name, { folder: openWorkspace(flags).tokenizers });
      const info: Record<string, unknown> = { ...describeTokenizer(tokenizer) };
      if (flags.text !== undefined) Object.assign(info, await compression(tokenizer, flags.text));
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

async function compression(tokenizer: Tokenizer, file: string): Promise<Record<string, unknown>> {
  let bytes = 0;
  let tokens = 0;
  async function* parts(): AsyncGenerator<Uint8Array> {
    for await (const part of openInput(file)) {
      bytes += part.length;
      yield part;
    }
  }
  for await (const ids of tokenizer.encodeStream(parts())) tokens += ids.length;
  return {
    text: formatBytes(bytes),
    tokens,
    bytes_per_token: tokens === 0 ? null : Number((bytes / tokens).toFixed(3)),
  };
}

export function convertCommand(): Command {
  return withWorkspace(
    new Command('convert')
      .description('Writes a tokenizer in another format.')
      .argument('<tokenizer>', 'a name, a file or a folder'),
  )
    .requiredOption('--out <path>', 'folder, or for tiktoken file, to write to')
    .addOption(
      new Option('--format <format>', "Hugging Face's folder of files, or tiktoken's file of ranks")
        .choices(['huggingface', 'tiktoken'])
        .default('huggingface'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  tokenmill tokenizer convert my-tokenizer --format tiktoken --out my.tiktoken',
    )
    .action(
      async (
        name: string,
        flags: { out: string; format: 'huggingface' | 'tiktoken'; workspace?: string },
      ) => {
        const { model } = await loadTokenizer(name, { folder: openWorkspace(flags).tokenizers });
        if (flags.format === 'huggingface') await saveTokenizer(model, flags.out);
        else await writeFileAtomic(flags.out, toTiktoken(model));
      },
    );
}
