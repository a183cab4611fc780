/** Jobs that read addresses, on the real command line: what it connects to, with and without the setting of the service. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { faultServer, sendFile, type FaultServer } from '../../support/fault-server.js';
import { testApi, testFolder } from '../support.js';
import { reaches } from './support.js';

const PAGE = Buffer.from(`${JSON.stringify({ text: 'The old bridge was closed for the winter.' })}\n`);

async function pages(): Promise<FaultServer> {
  const server = await faultServer({
    '/page.jsonl': (q, r) => sendFile(q, r, PAGE),
    '/moved.jsonl': (_q, r) => void r.writeHead(302, { location: '/page.jsonl' }).end(),
  });
  onTestFinished(() => server.close());
  return server;
}

/** The job when it has ended. */
async function ingested(
  workspace: string,
  settings: Record<string, unknown>,
  inputs: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const made = await testApi({ workspace, settings });
  const json = { kind: 'ingest', ...inputs, policy: 'keep-all', tokenizer: 'train:300', workers: 1 };
  const { id } = await made.json<{ id: string }>('POST', '/v1/jobs', { json, status: 202 });
  await reaches(made.context.jobs, id, 'succeeded', 'failed');
  return made.json('GET', `/v1/jobs/${id}`);
}

it('a name that stands for a private address fails the job, and nothing is sent there', async () => {
  const server = await pages();
  const url = server.url.replace('127.0.0.1', 'localhost');
  const job = await ingested(await testFolder(), {}, { urls: [`${url}/page.jsonl`] });
  expect(job).toMatchObject({
    state: 'failed',
    error: { code: 'ADDRESS_FORBIDDEN', message: expect.stringContaining('localhost, which is ') as string },
  });
  expect(server.requests).toEqual([]);
});

it('a service that allows private addresses reads them, redirected or not, beside a corpus', async () => {
  const workspace = await testFolder();
  await mkdir(join(workspace, 'uploads', 'c'), { recursive: true });
  await writeFile(join(workspace, 'uploads', 'c', 'a.jsonl'), PAGE.toString().replace('old', 'new'));
  const server = await pages();
  const inputs = { corpus: 'c', urls: [`${server.url}/moved.jsonl`] };
  const job = await ingested(workspace, { allowPrivateAddresses: true }, inputs);
  expect(job).toMatchObject({
    state: 'succeeded',
    error: null,
    result: { sources: 2, counts: { documents: 2 } },
  });
  expect(server.requests).toContain('GET /page.jsonl');
});
