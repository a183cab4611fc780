/** Whether what a request names is there, so that a mistake is told at once and not by a job that fails later. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TokenmillError } from '../../core/errors.js';
import { listFolder } from '../../core/files.js';
import { policyNames } from '../../filters/policy.js';
import type { Workspace } from '../../store/workspace.js';
import { BUILTIN_NAMES } from '../../tokenizer/builtin.js';
import type { JobRequest } from './requests.js';

/**
 * @throws TokenmillError CORPUS_NOT_FOUND, FILE_NOT_FOUND for a file of it, POLICY_INVALID, TOKENIZER_NOT_FOUND, DATASET_NOT_FOUND,
 *   FILE_EXISTS for a tokenizer that there is already
 */
export async function checkRequest(request: JobRequest, workspace: Workspace): Promise<void> {
  switch (request.kind) {
    case 'ingest':
      await checkCorpus(request, workspace);
      if (request.policy !== undefined) await checkPolicy(request.policy);
      if (request.tokenizer !== undefined) await checkTokenizer(request.tokenizer, workspace);
      return;
    case 'tokenizer':
      await checkCorpus(request, workspace);
      if (existsSync(join(workspace.tokenizers, request.name, 'tokenizer.json'))) {
        throw new TokenmillError('FILE_EXISTS', `there is a tokenizer ${request.name} already`, {
          hint: 'tokenizers never change, because datasets are made with them: choose another name',
        });
      }
      return;
    case 'train':
      await workspace.readDatasetConfig(request.dataset);
      return;
    case 'policy-diff':
      await workspace.readDatasetConfig(request.dataset);
      for (const policy of [request.a, request.b]) await checkPolicy(policy);
  }
}

async function checkCorpus(
  { corpus, files }: { readonly corpus: string; readonly files?: readonly string[] },
  workspace: Workspace,
): Promise<void> {
  const folder = join(workspace.uploads, corpus);
  const present = new Set(await listFolder(folder));
  if (present.size === 0) {
    throw new TokenmillError('CORPUS_NOT_FOUND', `there is no corpus ${corpus} with a file`, {
      hint: `upload one first: PUT /v1/corpora/${corpus}/files/NAME`,
    });
  }
  const missing = files?.find((file) => !present.has(file));
  if (missing !== undefined) {
    throw new TokenmillError('FILE_NOT_FOUND', `corpus ${corpus} has no file ${missing}`, {
      hint: `see GET /v1/corpora/${corpus}/files`,
    });
  }
}

async function checkPolicy(name: string): Promise<void> {
  const names = await policyNames();
  if (names.includes(name)) return;
  throw new TokenmillError('POLICY_INVALID', `there is no policy ${name}`, {
    hint: `policies are ${names.join(', ')}`,
  });
}

async function checkTokenizer(name: string, workspace: Workspace): Promise<void> {
  if (name.startsWith('train:')) return;
  const names = [...(await listFolder(workspace.tokenizers)), ...BUILTIN_NAMES];
  if (names.includes(name)) return;
  throw new TokenmillError('TOKENIZER_NOT_FOUND', `there is no tokenizer ${name}`, {
    hint: `names are ${[...new Set(names)].join(', ')}, or train:SIZE`,
  });
}
