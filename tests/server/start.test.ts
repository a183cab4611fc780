/** The service over a real socket; as a process of its own where its environment, its signals or its end matter. */
import { cp, readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serveCommand } from '../../src/cli/commands/serve.js';
import { startService } from '../../src/server/start.js';
import { failure } from '../store/support.js';
import { crawlWorkspace } from './crawl.js';
import { startTestService, testApi, testFolder } from './support.js';

const TOKEN = 'correct-horse-battery-staple';

/** The service on a socket of this process. */
async function serve(workspace: string, settings: Record<string, unknown> = {}): Promise<string> {
  const { context } = await testApi({ workspace, settings: { port: 0, ...settings } });
  const service = await startService(context);
  onTestFinished(() => service.stop().then(() => undefined));
  return service.url;
}

describe('start', () => {
  test('on an address that others reach needs a token, and asks for it', async () => {
    const workspace = await testFolder();
    const refused = await failure(serve(workspace, { host: '0.0.0.0' }));
    expect([refused.code, refused.exitStatus]).toEqual(['CONFIG_INVALID', 2]);
    expect(refused.message).toContain('without a token the service binds to loopback only');
    expect(refused.hint).toContain('set TOKENMILL_TOKEN');

    const service = await startTestService({
      workspace,
      arguments: ['--host', '0.0.0.0'],
      environment: { TOKENMILL_TOKEN: TOKEN },
    });
    const url = service.url.replace('0.0.0.0', '127.0.0.1');
    expect((await fetch(`${url}/v1/datasets`)).status).toBe(401);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await fetch(`${url}/v1/datasets`, { headers })).status).toBe(200);
  });

  test('tells what is wrong with an address or a setting', async () => {
    const { port } = new URL(await serve(await testFolder()));
    const taken = await failure(serve(await testFolder(), { port: Number(port) }));
    expect([taken.code, taken.exitStatus]).toEqual(['CONFIG_INVALID', 2]);
    expect(taken.hint).toBe('another process has this port; choose one with --port');
    const command = (...args: string[]): Promise<unknown> =>
      serveCommand()
        .exitOverride()
        .configureOutput({ writeErr: () => undefined })
        .parseAsync(args, { from: 'user' });
    expect((await failure(command('--port', '99999'))).message).toMatch(/^--port/);
    await expect(command('--port', '0', '--token', TOKEN)).rejects.toThrow("unknown option '--token'");
  });

  test('refuses other names of loopback, and heads that are too long', async () => {
    const { port } = new URL(await serve(await testFolder()));
    const status = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        httpRequest({ port, host: '127.0.0.1', path: '/v1/datasets', headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await status({ host: `localhost:${port}` })).toBe(200);
    expect(await status({ host: 'evil.example' })).toBe(403);
    expect(await status({ 'x-long': 'x'.repeat(40_000) })).toBe(431);
  });
});

test('a download goes on where it broke off', async () => {
  const workspace = await crawlWorkspace();
  const content = await readFile(join(workspace, 'datasets/crawl/shards/train-000001.arrow'));
  const shard = `${await serve(workspace)}/v1/datasets/crawl/shards/train-000001`;
  const whole = await fetch(shard);
  expect(whole.headers.get('content-length')).toBe(String(content.length));
  const reader = whole.body!.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const first = Buffer.from(value!).subarray(0, 1000);
  const headers = { range: `bytes=${first.length}-`, 'if-range': whole.headers.get('etag') as string };
  const rest = await fetch(shard, { headers });
  expect(rest.status).toBe(206);
  expect(Buffer.concat([first, Buffer.from(await rest.arrayBuffer())]).equals(content)).toBe(true);
  const head = await fetch(shard, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(content.length)]);
});

describe('a stop', () => {
  test('lets a request that is under way end, takes no others, and exits with 0', async () => {
    const service = await startTestService({ workspace: await testFolder() });
    const { port } = new URL(service.url);
    const body = JSON.stringify({ text: 'hello world' });
    const head = `POST /v1/tokenizers/gpt2/count HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const socket = connect(Number(port), '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => (received += text));
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    // Half of a request is under way when the signal comes.
    await new Promise<void>((resolve) => socket.write(head + body.slice(0, 5), () => resolve()));
    // Another connection's answer shows that the service has read what came before.
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    service.child.kill('SIGTERM');
    while (!service.stderr().includes('stopping')) await new Promise((resolve) => setTimeout(resolve, 10));
    await expect(fetch(`${service.url}/healthz`)).rejects.toThrow('fetch failed');
    socket.write(body.slice(5));
    await closed;
    expect(received).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(received).toContain('{"count":2,"bytes":11}');
    expect(await service.ended).toEqual({ status: 0, signal: null });
    expect(service.stderr()).toContain('stopped\n');
  });

  test('cuts off what does not end, within the limit', async () => {
    const workspace = await testFolder();
    const service = await startTestService({ workspace, arguments: ['--shutdown-seconds', '1'] });
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    const head =
      'POST /v1/queue/retry HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{';
    await new Promise<void>((resolve) => socket.write(head, () => resolve()));
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    service.child.kill('SIGTERM');
    expect(await service.ended).toEqual({ status: 0, signal: null });
    await closed;
    expect(service.stderr()).toContain('stopped; some requests were cut off');
  });

  test('of a connection that waits for nothing takes no time, and leaves a workspace that starts again', async () => {
    const workspace = await testFolder();
    await cp(join(await crawlWorkspace(), 'datasets'), join(workspace, 'datasets'), { recursive: true });
    for (let i = 0; i < 2; i++) {
      const service = await startTestService({ workspace });
      expect(await (await fetch(`${service.url}/v1/datasets/crawl`)).json()).toMatchObject({ sequence: 3 });
      service.child.kill('SIGTERM');
      expect(await service.ended).toEqual({ status: 0, signal: null });
    }
  });
});
