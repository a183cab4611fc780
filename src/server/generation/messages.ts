/** What the service and its generators, which are processes, say to each other. */
import type { JobError } from '../jobs/job.js';

/** One text to be continued. */
export interface SequenceRequest {
  /** A run of the workspace, or a folder with a model there. */
  readonly run: string;
  /** A checkpoint of the run, such as step-000200; undefined is the latest. */
  readonly checkpoint?: string;
  /** Text, or ids of the model's tokenizer. */
  readonly prompt: string | readonly number[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topK: number | null;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly seed: number;
  /** Also gives ln p of each token, and so many of the likeliest in its place. */
  readonly logProbabilities: number | null;
  /** Gives the tokens of the prompt first. */
  readonly echo: boolean;
}

export interface TokenInfo {
  /** Text of this token alone; bytes that are no whole character are U+FFFD. */
  readonly token: string;
  /** Null for the first token of a prompt, which nothing comes before. */
  readonly logProbability: number | null;
  readonly top: readonly (readonly [token: string, logProbability: number])[] | null;
}

export type EndReason = 'stop' | 'length' | 'cancelled';

/** In this order: one `begin`, any number of `token`, one `end`; or one `error` instead of any of them, which is the last. */
export type SequenceEvent =
  | {
      readonly type: 'begin';
      readonly promptTokens: number;
      /** Of the prompt, where `echo` asks for it. */
      readonly prompt: { readonly text: string; readonly tokens: readonly TokenInfo[] } | null;
    }
  | {
      readonly type: 'token';
      /** Text that became complete; may be empty. */
      readonly text: string;
      readonly info: TokenInfo;
    }
  | { readonly type: 'end'; readonly reason: EndReason; readonly rest: string }
  | { readonly type: 'error'; readonly error: JobError };

export type GeneratorOrder =
  | { readonly kind: 'run'; readonly request: SequenceRequest }
  | { readonly kind: 'cancel' };
