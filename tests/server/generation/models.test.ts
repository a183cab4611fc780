/** Models of a workspace over requests, on a small run that a real trainer made; text by real generators. */
import { setMaxListeners } from 'node:events';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { sha256 } from '../../../src/core/hash.js';
import { startService } from '../../../src/server/start.js';
import { loadTokenizer } from '../../../src/tokenizer/load.js';
import { openEngine } from '../../../src/trainer/engine.js';
import { exportModel } from '../../../src/trainer/export.js';
import { openModelFolder } from '../../../src/trainer/model-folder.js';
import { compileInference } from '../../../src/trainer/programs/inference.js';
import { tokenmill } from '../../support/cli.js';
import {
  smallWorkspace,
  SMALL_MODEL,
  textTokens,
  trainProcess,
  type SmallWorkspace,
} from '../../support/trainer-process.js';
import { parseEvents, type ReceivedEvent } from '../sse.js';
import { testApi, type TestApi } from '../support.js';

const STEPS = 40;
const PROMPT = 'The old';
let made: SmallWorkspace;

beforeAll(async () => {
  made = await smallWorkspace([textTokens(1, 300)]);
  const result = await trainProcess(made, { steps: STEPS, checkpointEvery: 15, evalEvery: 20 });
  if (result.status !== 0) throw new Error(result.stderr);
  sampled = await sampleByCommand();
});
afterAll(async () => {
  await closeShared();
  await rm(made.workspace.root, { recursive: true, force: true });
});

/** For tests that do not ask for settings, so that its generator starts once. A workspace has one service at a time. */
let shared: TestApi | undefined;

async function closeShared(): Promise<void> {
  await shared?.context.close();
  shared = undefined;
}

async function api(settings?: Record<string, unknown>): Promise<TestApi> {
  const { root } = made.workspace;
  if (settings !== undefined) {
    await closeShared();
    return testApi({ workspace: root, settings });
  }
  shared ??= await testApi({ workspace: root, shared: true });
  return shared;
}

/** What the command line makes of PROMPT with SAMPLING, in 20 tokens. */
let sampled: string;
const SAMPLING = { temperature: 1, seed: 3 } as const;

async function sampleByCommand(): Promise<string> {
  const flags = ['--temperature=1', '--seed=3', '--max-tokens=20', '--workspace', made.workspace.root];
  const { status, stdout } = await tokenmill(['generate', 'r', PROMPT, ...flags]);
  expect(status).toBe(0);
  return stdout.slice(PROMPT.length, -1);
}

async function eventsOf(response: Response): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  for await (const event of parseEvents(response)) events.push(event);
  return events;
}

describe('models', () => {
  it('are listed in the form of OpenAI, page by page', async () => {
    const served = await api();
    const listed = await served.json('GET', '/v1/models');
    expect(listed).toEqual({
      object: 'list',
      data: [
        {
          id: 'r',
          object: 'model',
          created: expect.any(Number) as number,
          owned_by: 'tokenmill',
          architecture: 'llama',
          // Embedding 257*32; two layers of 32*(32+16+16+32) + 3*32*64 + 2*32; the last norm 32.
          parameters: 26_816,
          context_length: 64,
          vocab_size: 257,
          dataset: 'd',
          steps: STEPS,
          latest_checkpoint: 'step-000040',
        },
      ],
      next_cursor: null,
    });
  });

  it('show their configuration, settings and latest figures', async () => {
    const served = await api();
    expect(await served.json('GET', '/v1/models/r')).toMatchObject({
      id: 'r',
      config: SMALL_MODEL,
      run: { name: 'r', steps: STEPS, settings: { batch: 4, context: 16 } },
      last_metrics: { step: STEPS, tokens: STEPS * 64 },
    });
    expect(await served.problem('GET', '/v1/models/none', 'RUN_NOT_FOUND')).toMatchObject({
      status: 404,
      hint: 'models are r',
    });
    expect(await served.problem('GET', '/v1/models/..%2Fr', 'USAGE')).toMatchObject({ status: 400 });
  });

  it('that are damaged are not listed, and say why when they are asked for', async () => {
    const folder = join(made.workspace.models, 'broken');
    await mkdir(folder);
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'run.json'), '{}');
    await writeFile(join(folder, 'config.json'), '{"model_type":"other"}');
    const served = await api();
    expect(await served.json('GET', '/v1/models')).toMatchObject({ data: [{ id: 'r' }] });
    expect((await served.problem('GET', '/v1/models/broken', 'MODEL_INVALID')).detail).toContain('"other"');
  });

  it('give metrics by page and since a step', async () => {
    const served = await api();
    interface Page {
      readonly items: { step: number }[];
      readonly next_cursor: string | null;
    }
    const first = await served.json<Page>('GET', '/v1/models/r/metrics?since=10&limit=20');
    expect(first.items.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 11));
    const second = await served.json<Page>(
      'GET',
      `/v1/models/r/metrics?since=10&limit=20&cursor=${first.next_cursor}`,
    );
    expect(second.items.map(({ step }) => step)).toEqual(Array.from({ length: 10 }, (_, i) => i + 31));
    expect(second.next_cursor).toBeNull();
    expect(first.items[9]).toMatchObject({ step: 20, validation_loss: expect.any(Number) as number });
    expect((await served.problem('GET', '/v1/models/none/metrics', 'RUN_NOT_FOUND')).status).toBe(404);
    expect((await served.problem('GET', '/v1/models/r/metrics?since=-1', 'USAGE')).status).toBe(400);
  });
});

describe('checkpoints', () => {
  const folder = (): string => join(made.workspace.models, 'r', 'checkpoints', 'step-000030');

  it('are listed with the hashes of their files, and downloaded whole or in parts', async () => {
    const served = await api();
    const { items } = await served.json<{
      items: { name: string; step: number; files: { name: string; sha256: string }[] }[];
    }>('GET', '/v1/models/r/checkpoints');
    expect(items.map(({ name, step }) => [name, step])).toEqual([
      ['step-000015', 15],
      ['step-000030', 30],
      ['step-000040', 40],
    ]);
    const weights = await readFile(join(folder(), 'model.safetensors'));
    expect(items[1].files[0]).toEqual({
      name: 'model.safetensors',
      bytes: weights.length,
      sha256: sha256(weights),
    });
    const path = '/v1/models/r/checkpoints/step-000030/model.safetensors';
    const whole = await served.request('GET', path);
    expect(Buffer.from(await whole.arrayBuffer()).equals(weights)).toBe(true);
    const part = await served.request('GET', path, { headers: { range: 'bytes=100-199' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes 100-199/${weights.length}`,
    ]);
    expect(Buffer.from(await part.arrayBuffer()).equals(weights.subarray(100, 200))).toBe(true);
    const config = await served.request('GET', '/v1/models/r/checkpoints/step-000030/config.json');
    expect(await config.json()).toMatchObject(SMALL_MODEL);
  });

  it.each([
    ['step-000099/model.safetensors', 'CHECKPOINT_NOT_FOUND'],
    ['..%2F..%2Frun.json/x', 'CHECKPOINT_NOT_FOUND'],
    ['step-000030/secret', 'FILE_NOT_FOUND'],
    ['step-000030/..%2F..%2F..%2Frun.json', 'FILE_NOT_FOUND'],
  ])('that do not exist are not found: %s', async (path, code) => {
    const served = await api();
    expect((await served.problem('GET', `/v1/models/r/checkpoints/${path}`, code)).status).toBe(404);
  });
});

describe('POST /v1/models/{run}/generate', () => {
  it('gives what the command line gives', async () => {
    const served = await api();
    const body = { prompt: PROMPT, max_tokens: 20, ...SAMPLING };
    expect(await served.json('POST', '/v1/models/r/generate', { json: body })).toEqual({
      text: sampled,
      finish_reason: 'length',
      usage: { prompt_tokens: 7, completion_tokens: 20 },
    });
    // The context of 64 tokens ends it earlier than asked for.
    const full = await served.json('POST', '/v1/models/r/generate', { json: { ...body, max_tokens: 1000 } });
    expect(full).toMatchObject({ usage: { completion_tokens: 57 }, finish_reason: 'length' });
  });

  it('takes a model that was put into the workspace in several files', async () => {
    const folder = join(made.workspace.models, 'parts');
    onTestFinished(() => rm(folder, { recursive: true }));
    const context = { workspace: made.workspace, log: () => undefined };
    await exportModel('r', folder, context, { maxShardBytes: 30_000 });
    expect((await readdir(folder)).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(2);
    const served = await api();
    expect(await served.json('GET', '/v1/models')).toMatchObject({ data: [{ id: 'parts' }, { id: 'r' }] });
    expect(await served.json('GET', '/v1/models/parts')).toMatchObject({ parameters: 26_816, run: null });
    const body = { prompt: PROMPT, max_tokens: 20, ...SAMPLING };
    expect(await served.json('POST', '/v1/models/parts/generate', { json: body })).toMatchObject({
      text: sampled,
    });
  });

  it('streams pieces that make up the same text', async () => {
    const served = await api();
    const body = { prompt: PROMPT, max_tokens: 25, seed: 7 };
    const whole = await served.json('POST', '/v1/models/r/generate', { json: body });
    const response = await served.request('POST', '/v1/models/r/generate', {
      json: { ...body, stream: true },
    });
    const events = await eventsOf(response);
    const pieces = events.slice(0, -1).map(({ data }) => (data as { text: string }).text);
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join('')).toBe(whole['text']);
    expect(events.at(-1)).toMatchObject({
      event: 'end',
      data: { finish_reason: 'length', usage: whole['usage'] },
    });
    const another = await served.json('POST', '/v1/models/r/generate', { json: { ...body, seed: 8 } });
    expect(another['text']).not.toBe(whole['text']);
  });

  it('stops at a stop sequence and takes another checkpoint', async () => {
    const served = await api();
    const stop = sampled.slice(5, 8);
    const body = { prompt: PROMPT, max_tokens: 20, ...SAMPLING, stop };
    expect(await served.json('POST', '/v1/models/r/generate', { json: body })).toMatchObject({
      text: sampled.slice(0, sampled.indexOf(stop)),
      finish_reason: 'stop',
    });
    const early = { ...body, stop: [], checkpoint: 'step-000015' };
    expect((await served.json('POST', '/v1/models/r/generate', { json: early }))['text']).not.toBe(sampled);
  });

  it.each([
    ['none', {}, 'RUN_NOT_FOUND', 404],
    ['r', { checkpoint: 'step-000001' }, 'CHECKPOINT_NOT_FOUND', 404],
    ['r', { checkpoint: '../..' }, 'CHECKPOINT_NOT_FOUND', 404],
    ['r', { prompt: 'x'.repeat(65) }, 'MODEL_INVALID', 422],
    ['r', { prompt: 'x'.repeat(65), stream: true }, 'MODEL_INVALID', 422],
    ['r', { max_tokens: 0 }, 'USAGE', 400],
    ['r', { max_tokens: 1e6 }, 'USAGE', 400],
    ['r', { temprature: 1 }, 'USAGE', 400],
  ])('refuses %s with %j', async (run, json, code, status) => {
    const served = await api();
    expect((await served.problem('POST', `/v1/models/${run}/generate`, code, { json })).status).toBe(status);
  });

  it('refuses a model that is larger than the memory that it may take', async () => {
    const served = await api({ modelMemory: '100KB' });
    expect(
      await served.problem('POST', '/v1/models/r/generate', 'INPUT_TOO_LARGE', { json: {} }),
    ).toMatchObject({
      detail: expect.stringMatching(/^model r takes .* of memory, more than 100/) as string,
    });
  });

  it('ends a text that takes longer than it may', async () => {
    const served = await api({ generationSeconds: 1 });
    const run = vi.spyOn(served.context.generation, 'run').mockImplementation(async function* () {
      yield { type: 'begin', promptTokens: 1, prompt: null };
      yield { type: 'token', text: 'a', info: { token: 'a', logProbability: null, top: null } };
      yield { type: 'end', reason: 'time', rest: 'b' };
    });
    onTestFinished(() => run.mockRestore());
    expect(await served.json('POST', '/v1/models/r/generate', { json: {} })).toMatchObject({
      text: 'ab',
      finish_reason: 'time',
    });
  });
});

describe('generators', () => {
  const request = {
    run: 'r',
    prompt: PROMPT,
    maxTokens: 50,
    temperature: 1,
    topK: null,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    seed: 1,
    logProbabilities: null,
    echo: false,
  } as const;

  it('are given back when a client goes, and serve the next one', async () => {
    const served = await api({ port: 0 });
    const service = await startService(served.context);
    onTestFinished(() => service.stop().then(() => undefined));
    const controller = new AbortController();
    const response = await fetch(`${service.url}/v1/models/r/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: PROMPT, max_tokens: 50, stream: true }),
      signal: controller.signal,
    });
    for await (const { event } of parseEvents(response)) if (event === 'text') break;
    controller.abort();
    await vi.waitFor(() => expect(served.context.generation.busy).toBe(0), 20_000);
    expect(await served.json('POST', '/v1/models/r/generate', { json: { max_tokens: 3 } })).toMatchObject({
      usage: { completion_tokens: 3 },
    });
  });

  it('take one text at a time; more wait in line, and too many are refused', async () => {
    const served = await api({});
    const pool = served.context.generation;
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const drain = async (): Promise<number> => {
      let tokens = 0;
      for await (const event of pool.run(request, controller.signal)) if (event.type === 'token') tokens += 1;
      return tokens;
    };
    const all = Array.from({ length: 4 }, drain);
    await vi.waitFor(() => expect([pool.busy, pool.queued]).toEqual([1, 3]));
    expect(await Promise.all(all)).toEqual([50, 50, 50, 50]);
    const waiting = Array.from({ length: 65 }, drain);
    await expect(drain()).rejects.toMatchObject({ code: 'SERVICE_BUSY' });
    controller.abort();
    // Who waited is let go, and who was served gives its generator back.
    expect((await Promise.all(waiting)).slice(1)).toEqual(Array.from({ length: 64 }, () => 0));
    expect([pool.busy, pool.queued]).toEqual([0, 0]);
  });

  it('that die cost the text that they worked on, and the next one is served by another', async () => {
    const served = await api({});
    const kinds: string[] = [];
    const killed = (async () => {
      for await (const event of served.context.generation.run(request, AbortSignal.timeout(60_000))) {
        kinds.push(event.type);
        if (kinds.length === 3) {
          // @ts-expect-error the process is nobody's business but here
          for (const { child } of served.context.generation.all as Iterable<{
            child: { kill(signal: string): void };
          }>)
            child.kill('SIGKILL');
        }
      }
    })();
    await expect(killed).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    const events = served.context.generation.run({ ...request, maxTokens: 1 }, AbortSignal.timeout(60_000));
    expect((await events.next()).value).toMatchObject({ type: 'begin', promptTokens: 7 });
    await events.return(undefined);
  });
});

describe('POST /v1/completions', () => {
  const complete = { model: 'r', prompt: PROMPT, max_tokens: 12, ...SAMPLING };

  it('answers as the API reference has it', async () => {
    const served = await api();
    expect(await served.json('POST', '/v1/completions', { json: complete })).toEqual({
      id: expect.stringMatching(/^cmpl-/) as string,
      object: 'text_completion',
      created: expect.any(Number) as number,
      model: 'r',
      choices: [{ text: sampled.slice(0, 12), index: 0, logprobs: null, finish_reason: 'length' }],
      usage: { prompt_tokens: 7, completion_tokens: 12, total_tokens: 19 },
    });
  });

  it('takes several prompts, texts and ids, and n texts of each', async () => {
    const served = await api();
    const tokenizer = await loadTokenizer(join(made.workspace.tokenizers, 'bytes'));
    interface Body {
      readonly choices: { text: string; index: number }[];
      readonly usage: unknown;
    }
    const ids = [...tokenizer.encode(PROMPT)];
    const both = await served.json<Body>('POST', '/v1/completions', {
      json: { ...complete, prompt: [PROMPT, 'A'] },
    });
    const one = await served.json<Body>('POST', '/v1/completions', { json: { ...complete, prompt: ids } });
    expect(one.choices[0].text).toBe(sampled.slice(0, 12));
    expect(both.choices[0].text).toBe(one.choices[0].text);
    expect(both.usage).toEqual({ prompt_tokens: 8, completion_tokens: 24, total_tokens: 32 });
    const json3 = { ...complete, prompt: [ids, ids], n: 2, temperature: 1, seed: 5 };
    const many = await served.json<Body>('POST', '/v1/completions', { json: json3 });
    expect(many.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    expect(new Set(many.choices.map(({ text }) => text)).size).toBe(4);
    expect(many.usage).toMatchObject({ prompt_tokens: 14, completion_tokens: 48 });
    const again = await served.json<Body>('POST', '/v1/completions', { json: json3 });
    expect(again.choices).toEqual(many.choices);
  });

  it('gives log probabilities of prompt and continuation, as a forward pass over each prefix has them', async () => {
    const served = await api();
    interface Body {
      readonly choices: {
        text: string;
        logprobs: {
          tokens: string[];
          token_logprobs: (number | null)[];
          top_logprobs: (Record<string, number> | null)[];
          text_offset: number[];
        };
      }[];
    }
    const { choices } = await served.json<Body>('POST', '/v1/completions', {
      json: { ...complete, max_tokens: 4, echo: true, logprobs: 3 },
    });
    const [{ text, logprobs }] = choices;
    expect(text.slice(0, 7)).toBe(PROMPT);
    expect(logprobs.tokens.join('')).toBe(text);
    expect(logprobs.text_offset).toEqual(Array.from({ length: 11 }, (_, index) => index));
    expect([logprobs.token_logprobs[0], logprobs.top_logprobs[0]]).toEqual([null, null]);

    const model = await openModelFolder('r', made.workspace, () => undefined);
    const engine = await openEngine({ engine: 'onnx', device: 'cpu' }, () => undefined);
    const program = await compileInference(model.config, await model.parameters(), { engine });
    const ids = Int32Array.from(Buffer.from(text));
    for (let place = 1; place < ids.length; place++) {
      program.reset();
      const logits = (await program.prefill(ids.slice(0, place))).slice(0, 257);
      const odds = Array.from(logits, (logit) => Math.exp(logit));
      const total = odds.reduce((sum, value) => sum + value, 0);
      const expected = Math.log(odds[ids[place]] / total);
      expect(logprobs.token_logprobs[place]).toBeCloseTo(expected, 4);
      const top = Object.values(logprobs.top_logprobs[place] as Record<string, number>);
      expect(Math.max(...top)).toBeCloseTo(Math.log(Math.max(...odds) / total), 4);
      expect([3, 4]).toContain(top.length);
    }
    await program.dispose();
  });

  it('scores a prompt alone, as evaluations do', async () => {
    const served = await api();
    const scored = await served.json<{
      choices: { text: string; logprobs: { tokens: string[] } }[];
      usage: unknown;
    }>('POST', '/v1/completions', { json: { ...complete, max_tokens: 0, echo: true, logprobs: 1 } });
    expect(scored.choices[0].text).toBe(PROMPT);
    expect(scored.choices[0].logprobs.tokens).toEqual([...PROMPT]);
    expect(scored.usage).toEqual({ prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 });
  });

  it('streams chunks, usage where asked for, and [DONE]', async () => {
    const served = await api();
    const whole = await served.json<{ choices: { text: string }[] }>('POST', '/v1/completions', {
      json: { ...complete, prompt: [PROMPT, 'A'] },
    });
    const response = await served.request('POST', '/v1/completions', {
      json: { ...complete, prompt: [PROMPT, 'A'], stream: true, stream_options: { include_usage: true } },
    });
    const events = (await eventsOf(response)).map(({ data }) => data);
    expect(events.at(-1)).toBe('[DONE]');
    const chunks = events.slice(0, -1) as {
      id: string;
      object: string;
      choices: { text: string; index: number; finish_reason: string | null; logprobs: null }[];
      usage: unknown;
    }[];
    expect(new Set(chunks.map(({ id, object }) => `${id} ${object}`)).size).toBe(1);
    const usage = chunks.pop();
    expect(usage).toMatchObject({
      object: 'text_completion',
      choices: [],
      usage: { prompt_tokens: 8, completion_tokens: 24, total_tokens: 32 },
    });
    expect(chunks.every((chunk) => chunk.usage === null && chunk.choices.length === 1)).toBe(true);
    for (const index of [0, 1]) {
      const own = chunks.map(({ choices }) => choices[0]).filter((choice) => choice.index === index);
      expect(own.map(({ text }) => text).join('')).toBe(whole.choices[index].text);
      expect(own.map((choice) => choice.finish_reason)).toEqual([...own.slice(1).map(() => null), 'length']);
    }
  });

  it.each([
    [{ model: 'none' }, 'RUN_NOT_FOUND', 404],
    [{ best_of: 2 }, 'USAGE', 400],
    [{ frequency_penalty: 1 }, 'USAGE', 400],
    [{ presence_penalty: -1 }, 'USAGE', 400],
    [{ logit_bias: { '50256': -100 } }, 'USAGE', 400],
    [{ suffix: 'x' }, 'USAGE', 400],
    [{ logprobs: 6 }, 'USAGE', 400],
    [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'USAGE', 400],
    [{ stream_options: { include_usage: true } }, 'USAGE', 400],
    [{ n: 200 }, 'USAGE', 400],
    [{ n: 100, prompt: ['a', 'b'] }, 'USAGE', 400],
    [{ prompt: [300] }, 'USAGE', 400],
    [{ prompt: 'x'.repeat(100) }, 'MODEL_INVALID', 422],
    [{ prompt: 'x'.repeat(100), stream: true }, 'MODEL_INVALID', 422],
    [{ messages: [] }, 'USAGE', 400],
  ])('refuses %j', async (change, code, status) => {
    const served = await api();
    const json = { ...complete, ...change };
    expect((await served.problem('POST', '/v1/completions', code, { json })).status).toBe(status);
  });

  it('takes what changes nothing', async () => {
    const served = await api();
    const neutral = { best_of: 1, frequency_penalty: 0, logit_bias: {}, suffix: '', user: 'me', n: null };
    expect(await served.json('POST', '/v1/completions', { json: { ...complete, ...neutral } })).toMatchObject(
      {
        choices: [{ index: 0 }],
      },
    );
  });

  it('says what is wrong with a checkpoint that cannot be read', async () => {
    const path = join(made.workspace.models, 'r', 'checkpoints', 'step-000040', 'model.safetensors');
    const weights = await readFile(path);
    onTestFinished(() => writeFile(path, weights));
    await appendFile(path, 'x');
    const served = await api({});
    // The one before it is used.
    const early = await served.json('POST', '/v1/models/r/generate', {
      json: { prompt: PROMPT, max_tokens: 12, ...SAMPLING, checkpoint: 'step-000030' },
    });
    const fallback = await served.json<{ choices: { text: string }[] }>('POST', '/v1/completions', {
      json: complete,
    });
    expect(fallback.choices[0].text).toBe(early['text']);
  });
});
