/**
 * The folder that holds everything: where things are, which datasets exist, and how one comes into being.
 *
 * Invariant: a dataset exists exactly when its `dataset.json` does, and that file appears whole, last, and once.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { TokenmillError } from '../core/errors.js';
import { ensureFolder, listFolder, readJson, writeFileExclusive } from '../core/files.js';

/** Names become folder names and parts of queue file names, so they keep to what every file system takes. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export interface DatasetPaths {
  readonly name: string;
  readonly folder: string;
  /** dataset.json */
  readonly config: string;
  /** Lease of the dataset's one writer. */
  readonly lock: string;
  readonly commits: string;
  readonly documents: string;
  readonly signatures: string;
  /** Index of duplicates: derived from the signatures, the writer's own. */
  readonly index: string;
  readonly shards: string;
  readonly queue: string;
}

/** @throws TokenmillError USAGE */
export function checkName(kind: string, name: string): void {
  if (NAME.test(name)) return;
  throw new TokenmillError('USAGE', `${JSON.stringify(name)} cannot be the name of a ${kind}`, {
    hint: 'a name has up to 64 letters, digits, dots, dashes and underscores and starts with a letter or digit',
  });
}

export class Workspace {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get datasets(): string {
    return join(this.root, 'datasets');
  }

  get tokenizers(): string {
    return join(this.root, 'tokenizers');
  }

  get models(): string {
    return join(this.root, 'models');
  }

  get uploads(): string {
    return join(this.root, 'uploads');
  }

  get jobs(): string {
    return join(this.root, 'jobs');
  }

  /** Paths of a dataset, whether it exists or not. @throws TokenmillError USAGE for a name that cannot be one */
  dataset(name: string): DatasetPaths {
    checkName('dataset', name);
    const folder = join(this.datasets, name);
    return {
      name,
      folder,
      config: join(folder, 'dataset.json'),
      lock: join(folder, 'writer.lock'),
      commits: join(folder, 'commits'),
      documents: join(folder, 'documents'),
      signatures: join(folder, 'signatures'),
      index: join(folder, 'index'),
      shards: join(folder, 'shards'),
      queue: join(this.root, 'queue', name),
    };
  }

  /** @throws TokenmillError USAGE for a name that cannot be one */
  async hasDataset(name: string): Promise<boolean> {
    const { config } = this.dataset(name);
    try {
      await access(config);
      return true;
    } catch {
      return false;
    }
  }

  /** Names of the datasets that exist, sorted. */
  async listDatasets(): Promise<string[]> {
    const names: string[] = [];
    for (const name of await listFolder(this.datasets)) {
      if (NAME.test(name) && (await this.hasDataset(name))) names.push(name);
    }
    return names;
  }

  /**
   * Creates a dataset: its folders, then dataset.json. Two processes that try at once: one succeeds.
   * @throws TokenmillError FILE_EXISTS where it exists already
   */
  async createDataset(name: string, config: unknown): Promise<DatasetPaths> {
    const paths = this.dataset(name);
    for (const folder of [paths.commits, paths.documents, paths.signatures, paths.shards]) {
      await ensureFolder(folder);
    }
    await writeFileExclusive(paths.config, `${JSON.stringify(config, null, 2)}\n`);
    return paths;
  }

  /**
   * Content of a dataset's dataset.json.
   * @throws TokenmillError DATASET_NOT_FOUND, or INPUT_CORRUPT where the file is not JSON
   */
  async readDatasetConfig(name: string): Promise<unknown> {
    const paths = this.dataset(name);
    if (!(await this.hasDataset(name))) {
      const names = await this.listDatasets();
      throw new TokenmillError('DATASET_NOT_FOUND', `there is no dataset ${name} in ${this.root}`, {
        hint:
          names.length === 0
            ? 'this workspace has no dataset yet; ingest creates one'
            : `the datasets here are: ${names.join(', ')}`,
      });
    }
    return readJson(paths.config);
  }
}
