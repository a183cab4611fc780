/** A text as a client gets it: out of a sequence's events, cut at stop sequences, tokens beside the text that they made. */
import type { SequenceRequest, TokenInfo } from './messages.js';
import type { GenerationPool } from './pool.js';
import { StopFilter } from '../../trainer/stop-filter.js';

export interface TextRequest extends SequenceRequest {
  readonly stop: readonly string[];
}

export interface TextPiece {
  readonly text: string;
  readonly tokens: readonly PlacedToken[];
}

export interface PlacedToken extends TokenInfo {
  /** Where its text begins, in UTF-16 units of the whole text. */
  readonly offset: number;
}

export interface TextEnd {
  /** A stop sequence or end-of-text; the number of tokens or the end of the context; the time; or the client is gone. */
  readonly reason: 'stop' | 'length' | 'time' | 'cancelled';
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** @throws as `GenerationPool.run` */
export async function* generateText(
  pool: Pick<GenerationPool, 'run'>,
  request: TextRequest,
  signal: AbortSignal,
): AsyncGenerator<TextPiece, TextEnd> {
  const filter = new StopFilter(request.stop);
  let promptTokens = 0;
  let completionTokens = 0;
  /** Length of the text that tokens made, and of what was given out. */
  let made = 0;
  let given = 0;
  let waiting: PlacedToken[] = [];
  /** A text that is out, and the tokens that begin in what is out. */
  const piece = (text: string): TextPiece => {
    given += text.length;
    const tokens = waiting.filter(({ offset }) => offset < given);
    waiting = waiting.filter(({ offset }) => offset >= given);
    return { text, tokens };
  };
  for await (const event of pool.run(request, signal)) {
    if (event.type === 'begin') {
      promptTokens = event.promptTokens;
      if (event.prompt === null) continue;
      const { text, tokens } = event.prompt;
      const placed = tokens.map((info) => {
        // Of a character that several tokens share each shows a sign of its own, so their lengths may add up to more.
        const offset = Math.min(made, text.length);
        made += info.token.length;
        return { ...info, offset };
      });
      made = text.length;
      given = text.length;
      yield { text, tokens: placed };
    } else if (event.type === 'token') {
      completionTokens += 1;
      waiting.push({ ...event.info, offset: made });
      made += event.text.length;
      const text = filter.push(event.text);
      const out = piece(text);
      if (out.text !== '' || out.tokens.length > 0) yield out;
      if (filter.stopped) return { reason: 'stop', promptTokens, completionTokens };
    } else {
      const text = filter.push(event.rest) + filter.end();
      const out = { text, tokens: filter.stopped ? [] : waiting.splice(0) };
      if (out.text !== '' || out.tokens.length > 0) yield out;
      return { reason: filter.stopped ? 'stop' : event.reason, promptTokens, completionTokens };
    }
  }
  return { reason: 'cancelled', promptTokens, completionTokens };
}
