/** `/v1/jobs` by requests, each response checked against the OpenAPI document; streams of events over a socket. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startService } from '../../../src/server/start.js';
import { MAX_URL_LENGTH, MAX_URLS } from '../../../src/server/jobs/requests.js';
import { testApi, type TestApi } from '../support.js';
import { readEvents, type ReceivedEvent } from '../sse.js';
import { behaving, FAKE_COMMAND, go, jobWorkspace } from './support.js';

interface JobBody {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly last_event: number;
}

async function api(settings: Record<string, unknown> = {}): Promise<TestApi> {
  const workspace = await jobWorkspace();
  return testApi({
    workspace: workspace.root,
    settings,
    jobCommand: [process.execPath, FAKE_COMMAND],
  });
}

/** The service on a socket, so that streams and disconnects are real. */
async function served(): Promise<TestApi & { url: string }> {
  const made = await api({ port: 0 });
  const service = await startService(made.context);
  onTestFinished(() => service.stop().then(() => undefined));
  return { ...made, url: service.url };
}

const create = (made: TestApi, dataset: string): Promise<JobBody> =>
  made.json<JobBody>('POST', '/v1/jobs', { json: behaving(dataset), status: 202 });

async function ended(made: TestApi, id: string): Promise<JobBody> {
  return vi.waitFor(
    async () => {
      const job = await made.json<JobBody>('GET', `/v1/jobs/${id}`);
      expect(['succeeded', 'failed', 'cancelled']).toContain(job.state);
      return job;
    },
    { timeout: 30_000 },
  );
}

describe('POST /v1/jobs', () => {
  it('answers 202 with the place of the job', async () => {
    const made = await api();
    await go(made.workspace);
    const response = await made.request('POST', '/v1/jobs', { json: behaving('d') });
    expect(response.status).toBe(202);
    expect(response.headers.get('location')).toBe('/v1/jobs/000000001');
    expect(await response.json()).toMatchObject({
      id: '000000001',
      kind: 'ingest',
      state: 'queued',
      request: { kind: 'ingest', corpus: 'c', dataset: 'd' },
      result: null,
    });
    expect(await ended(made, '000000001')).toMatchObject({
      state: 'succeeded',
      result: { settings: ['TOKENMILL_REPORTS', 'TOKENMILL_SUPERVISED'] },
    });
  });

  it('shows the error of a job that failed', async () => {
    const made = await api();
    const { id } = await create(made, 'corrupt');
    expect(await ended(made, id)).toMatchObject({
      state: 'failed',
      error: { code: 'DATASET_CORRUPT', message: 'told to fail: DATASET_CORRUPT', hint: 'none' },
    });
  });

  it.each([
    [{ kind: 'nothing' }, 'USAGE', 400],
    [{ kind: 'ingest' }, 'USAGE', 400],
    [{ kind: 'ingest', files: ['a.txt'], urls: ['https://example.com/'] }, 'USAGE', 400],
    [{ kind: 'ingest', corpus: '../c' }, 'USAGE', 400],
    [{ kind: 'ingest', corpus: 'x' }, 'CORPUS_NOT_FOUND', 404],
    [{ kind: 'ingest', corpus: 'c', files: ['x'] }, 'FILE_NOT_FOUND', 404],
    [{ kind: 'ingest', corpus: 'c', policy: 'x' }, 'POLICY_INVALID', 400],
    [{ kind: 'ingest', corpus: 'c', tokenizer: 'x' }, 'TOKENIZER_NOT_FOUND', 404],
    [{ kind: 'train', dataset: 'x' }, 'DATASET_NOT_FOUND', 404],
    [{ kind: 'policy-diff', dataset: 'x', a: 'gopher', b: 'c4' }, 'DATASET_NOT_FOUND', 404],
    [{ kind: 'policy-diff', a: 'gopher' }, 'USAGE', 400],
    [{ kind: 'policy-diff', a: '/etc/policy.sql', b: 'c4' }, 'USAGE', 400],
  ])('refuses %j', async (json, code, status) => {
    const made = await api();
    expect(await made.problem('POST', '/v1/jobs', code, { json })).toMatchObject({ status });
  });

  it('takes addresses in place of a corpus or beside one', async () => {
    const made = await api();
    const urls = Array.from({ length: MAX_URLS }, (_, i) => `https://example.com/${i}.warc.gz`);
    for (const request of [
      { kind: 'ingest', urls },
      { kind: 'ingest', corpus: 'c', urls: [`http://8.8.8.8/${'x'.repeat(MAX_URL_LENGTH - 15)}`] },
    ]) {
      const job = await made.json('POST', '/v1/jobs', { json: request, status: 202 });
      expect(job).toMatchObject({ request });
    }
  });

  it('refuses what is no address, and what is not of the public network', async () => {
    const made = await api();
    const many = Array.from({ length: MAX_URLS + 1 }, (_, i) => `https://example.com/${i}`);
    for (const [code, urls] of [
      ['USAGE', []],
      ['USAGE', many],
      ['USAGE', [`http://8.8.8.8/${'x'.repeat(MAX_URL_LENGTH)}`]],
      ['USAGE', ['file:///etc/passwd']],
      ['USAGE', ['/etc/passwd']],
      ['USAGE', ['--checksums=/etc/passwd']],
      ['USAGE', ['https://:80']],
      ['USAGE', ['https://me:secret@example.com/']],
      ['USAGE', ['https://:secret@example.com/']],
      ['INPUT_UNSUPPORTED', ['https://example.com/a.tar!1+2!b']],
      ['ADDRESS_FORBIDDEN', ['https://example.com/', 'http://127.0.0.1:8080/v1/jobs']],
      ['ADDRESS_FORBIDDEN', ['http://2130706433/']],
      ['ADDRESS_FORBIDDEN', ['http://[::ffff:127.0.0.1]/']],
      ['ADDRESS_FORBIDDEN', ['http://192.168.1.1/']],
      ['ADDRESS_FORBIDDEN', ['http://169.254.169.254/latest/']],
    ] as const) {
      await made.problem('POST', '/v1/jobs', code, { json: { kind: 'ingest', urls } });
    }
    expect(made.context.jobs.list({}, 1)).toEqual([]);
  });

  it('says that it is busy where too many jobs wait', async () => {
    const made = await api({ concurrentJobs: 1, queuedJobs: 1 });
    const first = await create(made, 'one');
    await vi.waitFor(() => expect(made.context.jobs.get(first.id).state).toBe('running'));
    await create(made, 'two');
    await made.problem('POST', '/v1/jobs', 'SERVICE_BUSY', { json: behaving('three') });
  });

  it('takes no job while the service stops', async () => {
    const made = await api();
    await made.context.close();
    const refused = await made.problem('POST', '/v1/jobs', 'INTERRUPTED', { json: behaving('one') });
    expect(refused).toMatchObject({ status: 503, detail: 'the service is stopping' });
  });
});

describe('GET /v1/jobs', () => {
  it('lists page by page, and by kind, state and dataset', async () => {
    const made = await api();
    await go(made.workspace);
    for (const dataset of ['a', 'b', 'corrupt']) await ended(made, (await create(made, dataset)).id);
    interface Page {
      readonly items: JobBody[];
      readonly next_cursor: string | null;
    }
    const first = await made.json<Page>('GET', '/v1/jobs?limit=2');
    expect(first.items.map(({ id }) => id)).toEqual(['000000003', '000000002']);
    const second = await made.json<Page>('GET', `/v1/jobs?limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ items: [{ id: '000000001' }], next_cursor: null });
    const failed = await made.json<Page>('GET', '/v1/jobs?state=failed&kind=ingest&dataset=corrupt');
    expect(failed.items.map(({ id }) => id)).toEqual(['000000003']);
    expect((await made.json<Page>('GET', '/v1/jobs?kind=train')).items).toEqual([]);
  });

  it.each(['?limit=0', '?state=done', '?kind=query', '?cursor=%25'])('refuses %s', async (query) => {
    expect(await (await api()).problem('GET', `/v1/jobs${query}`, 'USAGE')).toMatchObject({ status: 400 });
  });

  it('knows no job that there is not', async () => {
    const made = await api();
    const detail = 'there is no job 000000009';
    const path = '/v1/jobs/000000009';
    expect(await made.problem('GET', path, 'JOB_NOT_FOUND')).toMatchObject({ status: 404, detail });
    expect(await made.problem('GET', `${path}/events`, 'JOB_NOT_FOUND')).toMatchObject({ detail });
    expect(await made.problem('POST', `${path}/cancel`, 'JOB_NOT_FOUND')).toMatchObject({ detail });
  });
});

describe('POST /v1/jobs/{id}/cancel', () => {
  it('stops the job, and refuses one that has ended', async () => {
    const made = await api();
    const { id } = await create(made, 'one');
    await vi.waitFor(() => expect(made.context.jobs.get(id).progress).not.toBeNull(), 20_000);
    expect(await made.json('POST', `/v1/jobs/${id}/cancel`, { status: 202 })).toMatchObject({
      state: 'stopping',
    });
    expect(await ended(made, id)).toMatchObject({ state: 'cancelled', reason: 'cancel' });
    await made.problem('POST', `/v1/jobs/${id}/cancel`, 'JOB_ENDED');
  });
});

describe('GET /v1/jobs/{id}/events', () => {
  it('streams events with their ids until the job ends', async () => {
    const made = await served();
    const { id } = await create(made, 'one');
    const events: ReceivedEvent[] = [];
    for await (const event of readEvents(`${made.url}/v1/jobs/${id}/events`)) {
      events.push(event);
      if (event.event === 'progress') await go(made.workspace);
    }
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => String(index + 1)));
    expect(events.map(({ event }) => event)).toEqual([
      'state',
      'state',
      'log',
      'progress',
      'progress',
      'state',
    ]);
    expect(events[5].data).toMatchObject({ type: 'state', state: 'succeeded', id: 6 });
    const { last_event: last } = await made.json<JobBody>('GET', `/v1/jobs/${id}`);
    expect(last).toBe(6);
    // A client that saw the end has nothing to come back for.
    const again = await made.request('GET', `/v1/jobs/${id}/events`, { headers: { 'last-event-id': '6' } });
    expect(again.status).toBe(204);
  });

  it('goes on behind Last-Event-ID', async () => {
    const made = await served();
    await go(made.workspace);
    const { id } = await create(made, 'one');
    await ended(made, id);
    const from = async (last: string): Promise<(string | undefined)[]> => {
      const ids = [];
      for await (const event of readEvents(`${made.url}/v1/jobs/${id}/events`, { 'last-event-id': last }))
        ids.push(event.id);
      return ids;
    };
    expect(await from('0')).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(await from('4')).toEqual(['5', '6']);
    await made.problem('GET', `/v1/jobs/${id}/events`, 'USAGE', { headers: { 'last-event-id': 'x' } });
  });

  it('gives the place back when the client goes', async () => {
    const made = await served();
    const { id } = await create(made, 'one');
    const controller = new AbortController();
    for await (const event of readEvents(`${made.url}/v1/jobs/${id}/events`, {}, controller.signal)) {
      if (event.event === 'progress') break;
    }
    expect(await openStreams(made)).toBe(1);
    controller.abort();
    await vi.waitFor(async () => expect(await openStreams(made)).toBe(0), 20_000);
    expect(made.context.jobs.get(id).state).toBe('running');
  });

  it('shows that the job is interrupted when the service stops, and ends', async () => {
    const made = await served();
    const { id } = await create(made, 'one');
    const seen: unknown[] = [];
    for await (const { event, data } of readEvents(`${made.url}/v1/jobs/${id}/events`)) {
      if (event === 'state') seen.push((data as { state: string }).state);
      if (event === 'progress') void made.context.close();
    }
    expect(seen).toEqual(['queued', 'running', 'stopping', 'interrupted']);
  });
});

async function openStreams({ context }: TestApi): Promise<number> {
  const text = await context.metrics.registry.metrics();
  return Number(/^tokenmill_event_streams\{of="jobs"\} (\d+)$/m.exec(text)?.[1]);
}
