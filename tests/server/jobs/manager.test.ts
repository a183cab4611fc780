/** Jobs on a program that does as it is told: states, queue, exclusion, cancelling, errors, journal. */
import { appendFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { jobEventSchema, type JobEvent } from '../../../src/server/jobs/job.js';
import { behaving, eventsOf, go, jobWorkspace, openJobs, reaches, trace } from './support.js';

const states = (events: readonly JobEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'state' ? [event.state] : []));

describe('a job', () => {
  it('runs the command with flags of its request and nothing of the service, and ends with its result', async () => {
    const workspace = await jobWorkspace();
    vi.stubEnv('TOKENMILL_TOKEN', 'secret');
    vi.stubEnv('TOKENMILL_POLICY', 'keep-all');
    const jobs = await openJobs(workspace);
    await go(workspace);
    const { id, state } = await jobs.create({
      kind: 'ingest',
      corpus: 'c',
      files: ['b.txt'],
      dataset: 'd',
      policy: 'gopher',
      set: { min_words: 5, other: '--x' },
      shard_tokens: 100,
    });
    expect([id, state]).toEqual(['000000001', 'queued']);
    const events = await eventsOf(jobs, id);
    vi.unstubAllEnvs();
    expect(states(events)).toEqual(['queued', 'running', 'succeeded']);
    expect(events.map((event) => event.id)).toEqual(events.map((_, index) => index + 1));
    expect(events.filter(({ type }) => type === 'log')).toMatchObject([{ message: 'begun' }]);
    const job = jobs.get(id);
    expect(job.result).toEqual({
      args: [
        'ingest',
        `--workspace=${workspace.root}`,
        '--json',
        '--public-addresses',
        '--corpus=c',
        '--dataset=d',
        '--policy=gopher',
        '--shard-tokens=100',
        '--set=min_words=5',
        '--set=other=--x',
        '--',
        'b.txt',
      ],
      settings: ['TOKENMILL_REPORTS', 'TOKENMILL_SUPERVISED'],
    });
    // The last figures are there although they came right behind the first.
    expect(job).toMatchObject({ attempts: 1, error: null, progress: { done: 4, values: { documents: 9 } } });
    expect([job.started, job.ended]).not.toContain(null);
  });

  it('that compares policies writes nothing: two of them for one dataset run at once, and one that is cancelled says so', async () => {
    const workspace = await jobWorkspace();
    await workspace.createDataset('d', {});
    const jobs = await openJobs(workspace);
    const compare = { kind: 'policy-diff', dataset: 'd', a: 'gopher', b: 'c4' } as const;
    const first = await jobs.create({ ...compare, set: { min_words: 5 }, examples: 0 });
    const second = await jobs.create(compare);
    for (const { id } of [first, second])
      await vi.waitFor(() => expect(jobs.get(id).progress).not.toBeNull(), 20_000);
    await jobs.cancel(second.id);
    await reaches(jobs, second.id, 'cancelled');
    expect(jobs.get(second.id).reason).toBe('cancel');
    await go(workspace);
    await reaches(jobs, first.id, 'succeeded');
    expect((jobs.get(first.id).result as { args: string[] }).args).toEqual([
      'policy',
      'diff',
      `--workspace=${workspace.root}`,
      '--json',
      '--dataset=d',
      '--examples=0',
      '--set=min_words=5',
      '--',
      'gopher',
      'c4',
    ]);
  });

  it.each([
    ['corrupt', { code: 'DATASET_CORRUPT', message: 'told to fail: DATASET_CORRUPT', hint: 'none' }],
    ['unreported', { code: 'INTERNAL', message: 'something is badly wrong', hint: null }],
    ['crash', { code: 'JOB_KILLED', message: 'the process was ended by SIGKILL' }],
  ])('that fails (%s) keeps the error', async (behaviour, error) => {
    const workspace = await jobWorkspace();
    const jobs = await openJobs(workspace);
    const { id } = await jobs.create(behaving(behaviour));
    const events = await eventsOf(jobs, id);
    expect(states(events)).toEqual(['queued', 'running', 'failed']);
    expect(jobs.get(id)).toMatchObject({ state: 'failed', error, result: null });
  });

  it('waits for a dataset that a process outside of the service writes', async () => {
    const workspace = await jobWorkspace();
    const jobs = await openJobs(workspace);
    await go(workspace);
    const { id } = await jobs.create(behaving('locked'));
    const seen = [];
    for await (const event of jobs.follow(id, {
      after: 0,
      idleMs: 60_000,
      signal: AbortSignal.timeout(60_000),
    })) {
      if (event === null) continue;
      seen.push(event);
      if (event.type === 'log' && event.message.startsWith('waits')) {
        await writeFile(join(workspace.root, 'unlocked'), '');
      }
    }
    expect(states(seen)).toEqual(['queued', 'running', 'succeeded']);
    expect(await trace(workspace)).toEqual(['begin locked', 'begin locked', 'end locked']);
  });

  it('fails where that takes too long', async () => {
    const jobs = await openJobs(await jobWorkspace(), { lockWaitMs: 0 });
    const { id } = await jobs.create(behaving('locked'));
    await eventsOf(jobs, id);
    expect(jobs.get(id)).toMatchObject({ state: 'failed', error: { code: 'DATASET_LOCKED' } });
  });
});

describe('the queue', () => {
  it('runs so many at a time, never two for one dataset, the oldest first', async () => {
    const workspace = await jobWorkspace();
    const jobs = await openJobs(workspace, { concurrency: 2 });
    const first = await jobs.create(behaving('one'));
    const second = await jobs.create(behaving('one'));
    const third = await jobs.create(behaving('two'));
    const fourth = await jobs.create(behaving('three'));
    await reaches(jobs, first.id, 'running');
    await reaches(jobs, third.id, 'running');
    expect([jobs.get(second.id).state, jobs.get(fourth.id).state]).toEqual(['queued', 'queued']);
    expect(jobs.counts()).toMatchObject({ queued: 2, running: 2, succeeded: 0 });
    await go(workspace);
    for (const { id } of [first, second, third, fourth]) await reaches(jobs, id, 'succeeded');
    const lines = await trace(workspace);
    expect(lines.indexOf('end one')).toBeLessThan(lines.lastIndexOf('begin one'));
  });

  it('refuses more than it may hold, and takes more when there is room', async () => {
    const jobs = await openJobs(await jobWorkspace(), { concurrency: 1, maxQueued: 1 });
    const running = await jobs.create(behaving('one'));
    await reaches(jobs, running.id, 'running');
    const waiting = await jobs.create(behaving('two'));
    await expect(jobs.create(behaving('three'))).rejects.toMatchObject({ code: 'SERVICE_BUSY' });
    await jobs.cancel(waiting.id);
    expect((await jobs.create(behaving('three'))).state).toBe('queued');
  });

  it('lists the latest first, by kind, state and dataset, page after page', async () => {
    const workspace = await jobWorkspace();
    await go(workspace);
    const jobs = await openJobs(workspace);
    for (const dataset of ['a', 'b', 'corrupt']) await jobs.create(behaving(dataset));
    await jobs.create({ kind: 'tokenizer', name: 't', corpus: 'c', vocab_size: 300 });
    for (const id of ['000000001', '000000002', '000000003', '000000004']) await eventsOf(jobs, id);
    const ids = (...args: Parameters<typeof jobs.list>): string[] => jobs.list(...args).map(({ id }) => id);
    expect(ids({}, 2)).toEqual(['000000004', '000000003']);
    expect(ids({}, 9, '000000003')).toEqual(['000000002', '000000001']);
    expect(ids({ kind: 'tokenizer' }, 9)).toEqual(['000000004']);
    expect(ids({ state: 'failed' }, 9)).toEqual(['000000003']);
    expect(ids({ dataset: 'b' }, 9)).toEqual(['000000002']);
  });

  it('keeps so many that ended', async () => {
    const workspace = await jobWorkspace();
    await go(workspace);
    const jobs = await openJobs(workspace, { retained: 2 });
    for (const dataset of ['a', 'b', 'c']) await eventsOf(jobs, (await jobs.create(behaving(dataset))).id);
    await vi.waitFor(() => expect(jobs.list({}, 9)).toHaveLength(2));
    expect(() => jobs.get('000000001')).toThrow(expect.objectContaining({ code: 'JOB_NOT_FOUND' }) as Error);
    await vi.waitFor(async () =>
      expect((await readdir(workspace.jobs)).filter((name) => /^\d/.test(name))).toEqual([
        '000000002',
        '000000003',
      ]),
    );
  });
});

describe('requests', () => {
  it.each([
    ['an unknown corpus', { kind: 'ingest', corpus: 'x' }, 'CORPUS_NOT_FOUND'],
    ['an unknown file', { kind: 'ingest', corpus: 'c', files: ['x.txt'] }, 'FILE_NOT_FOUND'],
    ['a path as a file', { kind: 'ingest', corpus: 'c', files: ['../../secret'] }, 'USAGE'],
    ['a path as a corpus', { kind: 'ingest', corpus: '../c' }, 'USAGE'],
    ['a path as a policy', { kind: 'ingest', corpus: 'c', policy: '/tmp/p.sql' }, 'USAGE'],
    ['an unknown policy', { kind: 'ingest', corpus: 'c', policy: 'mine' }, 'POLICY_INVALID'],
    ['an unknown tokenizer', { kind: 'ingest', corpus: 'c', tokenizer: 'mine' }, 'TOKENIZER_NOT_FOUND'],
    ['a path as a tokenizer', { kind: 'ingest', corpus: 'c', tokenizer: './t' }, 'USAGE'],
    ['an unknown setting', { kind: 'ingest', corpus: 'c', sahrd_tokens: 1 }, 'USAGE'],
    ['an unknown dataset', { kind: 'train', dataset: 'x' }, 'DATASET_NOT_FOUND'],
    ['a model by its path', { kind: 'train', model: '/tmp/config.json' }, 'USAGE'],
    ['an unknown kind', { kind: 'query' }, 'USAGE'],
    [
      'a tokenizer that exists',
      { kind: 'tokenizer', name: 'have', corpus: 'c', vocab_size: 300 },
      'FILE_EXISTS',
    ],
  ])('with %s are refused and leave no job', async (_, request, code) => {
    const workspace = await jobWorkspace();
    const jobs = await openJobs(workspace);
    await mkdir(join(workspace.tokenizers, 'have'), { recursive: true });
    await writeFile(join(workspace.tokenizers, 'have', 'tokenizer.json'), '{}');
    await expect(jobs.create(request as never)).rejects.toMatchObject({ code });
    expect(jobs.list({}, 9)).toEqual([]);
  });
});

describe('cancelling', () => {
  it('takes a job that waits out of the queue at once', async () => {
    const workspace = await jobWorkspace();
    const jobs = await openJobs(workspace, { concurrency: 1 });
    const running = await jobs.create(behaving('one'));
    await reaches(jobs, running.id, 'running');
    const waiting = await jobs.create(behaving('two'));
    expect((await jobs.cancel(waiting.id)).state).toBe('cancelled');
    expect(states(await eventsOf(jobs, waiting.id))).toEqual(['queued', 'cancelled']);
    await go(workspace);
    await reaches(jobs, running.id, 'succeeded');
    expect(await trace(workspace)).toEqual(['begin one', 'end one']);
  });

  it('lets a process stop by itself', async () => {
    const jobs = await openJobs(await jobWorkspace());
    const { id } = await jobs.create(behaving('one'));
    await vi.waitFor(() => expect(jobs.get(id).progress).not.toBeNull(), 20_000);
    expect((await jobs.cancel(id)).state).toBe('stopping');
    // A second time changes nothing.
    await jobs.cancel(id);
    const events = await eventsOf(jobs, id);
    expect(states(events)).toEqual(['queued', 'running', 'stopping', 'cancelled']);
    expect(events.filter(({ type }) => type === 'log')).toMatchObject([
      { message: 'begun' },
      { message: 'finishing' },
    ]);
    expect(jobs.get(id)).toMatchObject({ state: 'cancelled', reason: 'cancel', error: null });
    await expect(jobs.cancel(id)).rejects.toMatchObject({ code: 'JOB_ENDED' });
  });

  it('ends a process by force that does not', async () => {
    const jobs = await openJobs(await jobWorkspace(), { stopMs: 200 });
    const { id } = await jobs.create(behaving('stubborn'));
    await vi.waitFor(() => expect(jobs.get(id).progress).not.toBeNull(), 20_000);
    await jobs.cancel(id);
    await eventsOf(jobs, id);
    expect(jobs.get(id)).toMatchObject({
      state: 'cancelled',
      reason: 'the process was ended by SIGKILL',
    });
  });
});

describe('following', () => {
  it('goes on behind the event that is known, and tells when nothing happens', async () => {
    const workspace = await jobWorkspace();
    const jobs = await openJobs(workspace);
    const { id } = await jobs.create(behaving('one'));
    const seen: (JobEvent | null)[] = [];
    for await (const event of jobs.follow(id, {
      after: 2,
      idleMs: 30,
      signal: AbortSignal.timeout(60_000),
    })) {
      seen.push(event);
      if (seen.includes(null)) await go(workspace);
    }
    const events = seen.filter((event) => event !== null);
    expect(seen.length).toBeGreaterThan(events.length);
    expect(events[0].id).toBe(3);
    expect(events).toEqual((await eventsOf(jobs, id)).slice(2));
    // Somebody who has seen everything gets nothing more.
    expect(await eventsOf(jobs, id, events[events.length - 1].id)).toEqual([]);
  });

  it('ends when it is aborted', async () => {
    const jobs = await openJobs(await jobWorkspace());
    const { id } = await jobs.create(behaving('one'));
    const controller = new AbortController();
    for await (const event of jobs.follow(id, { after: 0, idleMs: 60_000, signal: controller.signal })) {
      if (event?.type === 'progress') controller.abort();
    }
    expect(jobs.get(id).state).toBe('running');
  });
});

describe('stopping the service', () => {
  it('interrupts what runs and keeps what waits; the next start continues both in order', async () => {
    const workspace = await jobWorkspace();
    const before = await openJobs(workspace, { concurrency: 1 });
    const first = await before.create(behaving('one'));
    await vi.waitFor(() => expect(before.get(first.id).progress).not.toBeNull(), 20_000);
    const second = await before.create(behaving('two'));
    const followed = eventsOf(before, first.id);
    await before.close();
    expect(states(await followed)).toEqual(['queued', 'running', 'stopping', 'interrupted']);
    await expect(before.create(behaving('three'))).rejects.toMatchObject({ code: 'INTERRUPTED' });

    await go(workspace);
    const after = await openJobs(workspace, { concurrency: 1 });
    await reaches(after, first.id, 'succeeded');
    await reaches(after, second.id, 'succeeded');
    expect(states(await eventsOf(after, first.id)).slice(4)).toEqual(['queued', 'running', 'succeeded']);
    expect(await trace(workspace)).toEqual(['begin one', 'begin one', 'end one', 'begin two', 'end two']);
    expect(after.get(first.id).attempts).toBe(2);
    expect((await after.create(behaving('four'))).id).toBe('000000003');
  });

  it('is one service a workspace', async () => {
    const workspace = await jobWorkspace();
    const jobs = await openJobs(workspace);
    await expect(openJobs(workspace)).rejects.toMatchObject({ code: 'SERVICE_LOCKED' });
    await jobs.close();
    await (await openJobs(workspace)).close();
  });
});

describe('the journal', () => {
  it('loses half a line that a crash left, and nothing else', async () => {
    const workspace = await jobWorkspace();
    await go(workspace);
    const before = await openJobs(workspace);
    const { id } = await before.create(behaving('one'));
    const events = await eventsOf(before, id);
    await before.close();
    await appendFile(join(workspace.jobs, id, 'events.ndjson'), '{"type":"log","id":99,"ti');
    const after = await openJobs(workspace);
    expect(after.get(id)).toEqual(before.get(id));
    expect(await eventsOf(after, id)).toEqual(events);
    for (const event of events) expect(jobEventSchema.parse(event)).toEqual(event);
  });

  it('that cannot be read is reported and left alone', async () => {
    const workspace = await jobWorkspace();
    const before = await openJobs(workspace);
    const { id } = await before.create(behaving('corrupt'));
    await eventsOf(before, id);
    await before.close();
    await writeFile(join(workspace.jobs, id, 'job.json'), '{}');
    const after = await openJobs(workspace);
    expect(after.list({}, 9)).toEqual([]);
    expect((await after.create(behaving('corrupt'))).id).toBe('000000002');
  });
});
