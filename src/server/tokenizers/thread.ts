/** The thread of the tokenizers, started with the first task. */
import { compiledFile } from '../../core/paths.js';
import { WorkerPool } from '../../core/pool.js';
import type { TokenizerResult, TokenizerTask } from './worker.js';

export class TokenizerThread {
  private pool: WorkerPool<TokenizerTask, TokenizerResult> | undefined;

  /** @throws TokenmillError TOKENIZER_NOT_FOUND, TOKENIZER_INVALID, INPUT_CORRUPT for ids that are none */
  async run<Kind extends TokenizerTask['kind']>(
    task: TokenizerTask & { readonly kind: Kind },
  ): Promise<TokenizerResult & { readonly kind: Kind }> {
    this.pool ??= new WorkerPool(compiledFile(import.meta.url, 'worker.js'), { threads: 1 });
    return (await this.pool.run(task)) as TokenizerResult & { readonly kind: Kind };
  }

  async close(): Promise<void> {
    await this.pool?.close();
  }
}
