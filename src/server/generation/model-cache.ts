/**
 * Models that are ready to run in a generator, the least recently used of them let go before memory goes over the cap.
 *
 * Units are bytes: weights and the cache of keys and values as float32, which is what an engine holds of a model.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenmillError } from '../../core/errors.js';
import { listFolder } from '../../core/files.js';
import { formatBytes } from '../../core/format.js';
import type { Log } from '../../core/log.js';
import { checkName, type Workspace } from '../../store/workspace.js';
import type { Tokenizer } from '../../tokenizer/tokenizer.js';
import { openEngine } from '../../trainer/engine.js';
import { openModelFolder } from '../../trainer/model-folder.js';
import { cacheSpecs, modelSize, parameterCount, type ModelConfig } from '../../trainer/models/registry.js';
import { compileInference, type InferenceProgram } from '../../trainer/programs/inference.js';
import { hasWeights, INDEX_FILE, MODEL_FILE } from '../../trainer/weights.js';

export interface LoadedModel {
  readonly program: InferenceProgram;
  readonly tokenizer: Tokenizer;
  readonly bytes: number;
}

const CHECKPOINT = /^step-\d{6,12}$/;

export class ModelCache {
  private readonly workspace: Workspace;
  private readonly capBytes: number;
  private readonly log: Log;
  /** The least recently used first. */
  private readonly models = new Map<string, LoadedModel>();

  constructor(workspace: Workspace, capBytes: number, log: Log) {
    this.workspace = workspace;
    this.capBytes = capBytes;
    this.log = log;
  }

  get bytes(): number {
    return [...this.models.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * @throws TokenmillError RUN_NOT_FOUND, CHECKPOINT_NOT_FOUND, MODEL_INVALID, TOKENIZER_NOT_FOUND, TOKENIZER_MISMATCH,
   *   INPUT_TOO_LARGE for a model that alone is over the cap
   */
  async get(run: string, checkpoint: string | undefined): Promise<LoadedModel> {
    const { folder, key } = await this.locate(run, checkpoint);
    const known = this.models.get(key);
    if (known !== undefined) {
      this.models.delete(key);
      this.models.set(key, known);
      return known;
    }
    const opened = await openModelFolder(folder, this.workspace, this.log);
    const bytes = inferenceBytes(opened.config);
    if (bytes > this.capBytes) {
      throw new TokenmillError(
        'INPUT_TOO_LARGE',
        `model ${run} takes ${formatBytes(bytes)} of memory, more than ${formatBytes(this.capBytes)}`,
        { hint: 'start the service with a larger --model-memory' },
      );
    }
    for (const [old, { program, bytes: freed }] of this.models) {
      if (this.bytes + bytes <= this.capBytes) break;
      this.models.delete(old);
      this.log(`model ${old} is let go: ${formatBytes(freed)}`);
      await program.dispose();
    }
    const tokenizer = await opened.tokenizer();
    const engine = await openEngine({ engine: 'onnx', device: 'auto' }, this.log);
    const program = await compileInference(opened.config, await opened.parameters(), { engine });
    const loaded = { program, tokenizer, bytes };
    this.models.set(key, loaded);
    return loaded;
  }

  /** Folder of the model, and a key that changes when its content does. */
  private async locate(
    run: string,
    checkpoint: string | undefined,
  ): Promise<{ folder: string; key: string }> {
    checkName('run', run);
    const root = join(this.workspace.models, run);
    const checkpoints = join(root, 'checkpoints');
    if (checkpoint !== undefined) {
      const folder = join(checkpoints, checkpoint);
      if (CHECKPOINT.test(checkpoint) && hasWeights(folder)) {
        return { folder, key: `${run}/${checkpoint}` };
      }
      throw new TokenmillError('CHECKPOINT_NOT_FOUND', `run ${run} has no checkpoint ${checkpoint}`, {
        hint: `see /v1/models/${run}/checkpoints`,
      });
    }
    const own = [MODEL_FILE, INDEX_FILE].map((file) => join(root, file)).find((path) => existsSync(path));
    if (own !== undefined) return { folder: root, key: `${run}@${(await stat(own)).mtimeMs}` };
    const names = (await listFolder(checkpoints)).filter((name) => CHECKPOINT.test(name));
    const latest = names.sort((a, b) => a.length - b.length || (a < b ? -1 : 1)).at(-1);
    return { folder: root, key: `${run}/${latest ?? ''}` };
  }
}

/** What a model takes when it is compiled for inference. */
export function inferenceBytes(config: ModelConfig): number {
  const { positions } = modelSize(config);
  const cached = cacheSpecs(config).reduce((sum, { width }) => sum + width * positions, 0);
  return 4 * (parameterCount(config) + cached);
}
