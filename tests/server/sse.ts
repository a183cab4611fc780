/** Reads server-sent events as a client does (WHATWG HTML, section 9.2.6). */
export interface ReceivedEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  /** Parsed where it is JSON. */
  readonly data: unknown;
}

/** Comments and retry times are passed over. */
export async function* readEvents(
  url: string,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): AsyncGenerator<ReceivedEvent> {
  const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  yield* parseEvents(response);
}

export async function* parseEvents(response: Response): AsyncGenerator<ReceivedEvent> {
  const type = response.headers.get('content-type');
  if (type !== 'text/event-stream; charset=utf-8') throw new Error(`the content type is ${type}`);
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const event = parseEvent(text.slice(0, end));
      text = text.slice(end + 2);
      if (event !== undefined) yield event;
    }
  }
  if (text !== '') throw new Error(`the stream ends within an event: ${text}`);
}

function parseEvent(block: string): ReceivedEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const split = line.indexOf(': ');
    if (split > 0) fields.set(line.slice(0, split), line.slice(split + 2));
  }
  const data = fields.get('data');
  if (data === undefined) return undefined;
  return {
    id: fields.get('id'),
    event: fields.get('event'),
    data: data === '[DONE]' ? data : JSON.parse(data),
  };
}
