/**
 * A Llama-style model of 0.8 M parameters on English documentation of this machine (what Debian's packages install below
 * /usr/share/doc and in manual pages), through the commands: tokenizer, ingest, training, with sequences shuffled, since the
 * documents come in the order of their packages. Peer: the same initial weights, batches, schedule and steps in PyTorch with
 * transformers' LlamaForCausalLM (bench/peers/learning.py), where TOKENMILL_PYTHON names a Python that has them; it takes the
 * batches from what the run writes down of the tokens of each step. Checks that the validation losses at the end are within
 * 1% of each other, and shows both curves and the largest difference of a training loss.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseModelConfig, parameterCount, parameterSpecs } from '../src/trainer/models/registry.js';
import { parameterTensors } from '../src/trainer/checkpoint.js';
import { initialState } from '../src/trainer/programs/state.js';
import { writeSafetensors } from '../src/trainer/safetensors.js';
import { sha256 } from '../src/core/hash.js';
import type { Benchmark } from './support/benchmark.js';
import { documentationCorpus } from './tokenizer-corpus.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const PEER = fileURLToPath(new URL('peers/learning.py', import.meta.url));
const PYTHON = process.env['TOKENMILL_PYTHON'];

const CORPUS_BYTES = 4_000_000;
const DOCUMENT_BYTES = 3_000;
const VOCABULARY = 2048;
const TOLERANCE = 0.01;
const SCHEDULE = {
  batch: 8,
  context: 128,
  shuffle: 4096,
  'learning-rate': 0.003,
  'eval-every': 100,
  'eval-tokens': 40_000,
};

const MODEL = {
  model_type: 'llama',
  vocab_size: VOCABULARY,
  hidden_size: 128,
  intermediate_size: 352,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  tie_word_embeddings: true,
};

interface Metrics {
  readonly step: number;
  readonly loss: number;
  readonly validation_loss?: number;
}

function tokenmill(workspace: string, ...args: readonly string[]): string {
  const full = [MAIN, ...args, '--workspace', workspace];
  return execFileSync(process.execPath, full, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Paragraphs together until they are long enough to be a document. */
function documentsOf(text: string): string[] {
  const documents: string[] = [];
  let document = '';
  for (const paragraph of text.split(/\n\n+/)) {
    document += `${paragraph}\n\n`;
    if (document.length < DOCUMENT_BYTES) continue;
    documents.push(document);
    document = '';
  }
  return documents;
}

async function prepare(folder: string, corpus: Buffer): Promise<void> {
  const lines = documentsOf(corpus.toString('utf8')).map((text, id) =>
    JSON.stringify({ id: `doc-${id}`, text }),
  );
  const [text, documents] = [join(folder, 'corpus.txt'), join(folder, 'documents.jsonl')];
  await writeFile(text, corpus);
  await writeFile(documents, `${lines.join('\n')}\n`);
  const tokenizer = join(folder, 'tokenizer');
  const special = '<|endoftext|>';
  tokenmill(
    folder,
    'tokenizer',
    'train',
    text,
    '--vocab-size',
    String(VOCABULARY),
    '--special',
    special,
    '--out',
    tokenizer,
  );
  const policy = ['--policy', 'keep-all', '--valid-fraction', '0.05'];
  tokenmill(folder, 'ingest', documents, '--dataset', 'documentation', '--tokenizer', tokenizer, ...policy);
}

/** A folder with a configuration and random weights, from which both begin. */
async function writeInitial(folder: string): Promise<number> {
  const config = parseModelConfig(MODEL);
  await mkdir(folder);
  await writeFile(join(folder, 'config.json'), JSON.stringify(MODEL));
  const shapes = new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
  const { parameters } = initialState(config, 1);
  await writeSafetensors(join(folder, 'model.safetensors'), parameterTensors(parameters, shapes));
  return parameterCount(config);
}

function parseLines(text: string): Metrics[] {
  const lines = text.trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Metrics);
}

export const run: Benchmark = async ({ quick }) => {
  const steps = quick ? 20 : 500;
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-learning-'));
  try {
    const corpus = documentationCorpus(quick ? CORPUS_BYTES / 8 : CORPUS_BYTES);
    await prepare(folder, corpus);
    const parameters = await writeInitial(join(folder, 'initial'));
    const settings = Object.entries({
      ...SCHEDULE,
      steps,
      ...(quick && { shuffle: 64, 'eval-every': 10 }),
    }).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const names = [
      '--dataset',
      'documentation',
      '--from',
      join(folder, 'initial'),
      '--run',
      'run',
      '--replay',
    ];
    tokenmill(folder, 'train', ...names, ...settings);
    const ours = parseLines(await readFile(join(folder, 'models/run/metrics.jsonl'), 'utf8'));
    const theirs =
      PYTHON === undefined
        ? undefined
        : parseLines(
            execFileSync(PYTHON, [PEER, folder, String(SCHEDULE['eval-tokens'])], { encoding: 'utf8' }),
          );
    return figuresOf(ours, theirs, {
      corpus: `documentation of this machine, ${corpus.length} bytes, SHA-256 ${sha256(corpus)}`,
      model: `Llama, ${parameters} parameters, vocabulary ${VOCABULARY}`,
      steps,
      tokens: steps * SCHEDULE.batch * SCHEDULE.context,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

function figuresOf(
  ours: readonly Metrics[],
  theirs: readonly Metrics[] | undefined,
  workload: Readonly<Record<string, string | number>>,
): Record<string, unknown> {
  const curve = ours
    .filter((line) => line.validation_loss !== undefined)
    .map(({ step, loss, validation_loss: validation }) => {
      const peer = theirs?.[step - 1];
      return {
        step,
        tokenmill: { loss, validation },
        ...(peer && { pytorch: { loss: peer.loss, validation: peer.validation_loss } }),
      };
    });
  for (const point of curve) process.stdout.write(`${JSON.stringify(point)}\n`);
  if (theirs === undefined) return { workload, curve };
  const end = curve.at(-1);
  const [validation, peerValidation] = [end?.tokenmill.validation ?? NaN, end?.pytorch?.validation ?? NaN];
  const difference = validation / peerValidation - 1;
  const largest = Math.max(...ours.map(({ loss }, at) => Math.abs(loss - theirs[at].loss)));
  process.stdout.write(
    `validation ${validation.toFixed(4)}, PyTorch's ${peerValidation.toFixed(4)}: ${(100 * difference).toFixed(3)}%; ` +
      `training losses differ by ${largest.toExponential(1)} at most\n`,
  );
  if (!(Math.abs(difference) <= TOLERANCE)) throw new Error('the validation losses are more than 1% apart');
  return {
    workload,
    curve,
    validation_relative_to_pytorch: difference,
    largest_difference_of_a_training_loss: largest,
  };
}
