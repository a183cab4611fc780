import { expect, it } from 'vitest';
import { eventStream, SSE_HEADERS, StreamCount, type ServerSentEvent } from '../../src/server/sse.js';
import { parseEvents } from './sse.js';

/** A source that counts how often it was asked. */
class Source implements AsyncIterator<ServerSentEvent | null> {
  asked = 0;
  returned = false;
  private readonly events: readonly (ServerSentEvent | null)[];

  constructor(events: readonly (ServerSentEvent | null)[]) {
    this.events = events;
  }

  async next(): Promise<IteratorResult<ServerSentEvent | null>> {
    const value = this.events[this.asked++];
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  async return(): Promise<IteratorResult<ServerSentEvent | null>> {
    this.returned = true;
    return { done: true, value: undefined };
  }
}

const numbered = (count: number): ServerSentEvent[] =>
  Array.from({ length: count }, (_, index) => ({ id: index + 1, event: 'n', data: String(index) }));

it('writes events as the standard has them, and a comment where nothing happened', async () => {
  const source = new Source([{ id: 7, event: 'state', data: '{"a":1}' }, null, { data: '[DONE]' }]);
  const body = eventStream(source, new AbortController(), () => undefined);
  expect(await new Response(body).text()).toBe(
    'retry: 2000\n\nid: 7\nevent: state\ndata: {"a":1}\n\n: alive\n\ndata: [DONE]\n\n',
  );
});

it('asks its source for no more than the client takes', async () => {
  const source = new Source(numbered(1000));
  const reader = eventStream(source, new AbortController(), () => undefined).getReader();
  await reader.read();
  await new Promise(setImmediate);
  expect(source.asked).toBe(0);
  await reader.read();
  await new Promise(setImmediate);
  expect(source.asked).toBe(1);
});

it('lets go of its source when the client goes, once', async () => {
  const source = new Source(numbered(10));
  const abort = new AbortController();
  let ended = 0;
  const reader = eventStream(source, abort, () => (ended += 1)).getReader();
  await reader.read();
  await reader.read();
  await reader.cancel();
  expect([abort.signal.aborted, source.returned, ended]).toEqual([true, true, 1]);
});

it('is cut off by an error of its source', async () => {
  let ended = 0;
  const events = (async function* () {
    yield { data: '1' };
    throw new Error('gone');
  })();
  const response = new Response(
    eventStream(events, new AbortController(), () => (ended += 1)),
    { headers: SSE_HEADERS },
  );
  const seen: unknown[] = [];
  await expect(
    (async () => {
      for await (const { data } of parseEvents(response)) seen.push(data);
    })(),
  ).rejects.toThrow('gone');
  expect([seen, ended]).toEqual([[1], 1]);
});

it('counts open streams and refuses more than the limit', () => {
  const count = new StreamCount(2);
  const giveBack = count.take();
  count.take();
  expect(() => count.take()).toThrow(expect.objectContaining({ code: 'SERVICE_BUSY' }) as Error);
  giveBack();
  giveBack();
  expect(count.open).toBe(1);
  count.take();
});
