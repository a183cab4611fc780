/** Whether what a request names is there, so that a mistake is told at once and not by a job that fails later. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TokenmillError } from '../../core/errors.js';
import { listFolder } from '../../core/files.js';
import { policyNames } from '../../filters/policy.js';
import { expandInputs } from '../../ingest/sources/expand.js';
import { anyAddress, checkHost, isPublicAddress } from '../../ingest/sources/http/address-rule.js';
import type { Workspace } from '../../store/workspace.js';
import { BUILTIN_NAMES } from '../../tokenizer/builtin.js';
import type { JobAccess, JobRequest } from './requests.js';

/**
 * @throws TokenmillError CORPUS_NOT_FOUND, FILE_NOT_FOUND for a file of it, USAGE or INPUT_UNSUPPORTED for what is no address to
 *   read, ADDRESS_FORBIDDEN, POLICY_INVALID, TOKENIZER_NOT_FOUND, DATASET_NOT_FOUND, FILE_EXISTS for a tokenizer that there is
 *   already
 */
export async function checkRequest(
  request: JobRequest,
  workspace: Workspace,
  access: JobAccess,
): Promise<void> {
  switch (request.kind) {
    case 'ingest':
      await checkInputs(request, workspace, access);
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

async function checkInputs(
  { corpus, files, urls = [] }: Extract<JobRequest, { kind: 'ingest' }>,
  workspace: Workspace,
  { allowPrivateAddresses }: JobAccess,
): Promise<void> {
  if (corpus !== undefined) await checkCorpus({ corpus, files }, workspace);
  else if (files !== undefined)
    throw new TokenmillError('USAGE', 'files: they are files of a corpus, and none is named');
  else if (urls.length === 0)
    throw new TokenmillError('USAGE', 'the request names neither a corpus nor urls');
  const rule = allowPrivateAddresses ? anyAddress : isPublicAddress;
  // Those of names are for the job: it checks what they stand for when it connects.
  for (const { location } of (await expandInputs(urls)).sources) checkHost(new URL(location).hostname, rule);
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
