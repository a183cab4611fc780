/**
 * How outputs of a run are kept from being copied. onnxruntime-node makes a copy of every output that it returns, also of those that it has
 * written where it was told, and a step of training returns the whole state. It converts outputs in their order and stops at
 * one that is no tensor, with an error, when the run itself is over. So every output has its place beforehand, and one that
 * comes before all others is a sequence.
 *
 * That is no promise of onnxruntime's: what this release does is tried out once, on a graph of one node. One that returns
 * sequences is fine, too; where the place is not written when it refuses them, runs go without a sequence and copy.
 */
import { InferenceSession } from 'onnxruntime-node';
import { Graph } from '../../graph/graph.js';
import { add } from '../../graph/build.js';
import { ortTensor } from './host.js';
import { lower } from './lowering.js';

/** Name of the sequence. */
export const SEQUENCE = 'sequence:';

/** What a run with a sequence does when it is over: returns, or throws an error of this message. */
export interface SequenceOutcome {
  readonly error: string | undefined;
}

/**
 * Tries out a run that should write 2 to `place`, which is 0, and return a sequence before it. Undefined where the place is not written.
 */
export async function tryOut(
  run: (place: Float32Array) => Promise<unknown>,
): Promise<SequenceOutcome | undefined> {
  const place = new Float32Array(1);
  let error: string | undefined;
  try {
    await run(place);
  } catch (thrown) {
    error = messageOf(thrown);
  }
  return place[0] === 2 ? { error } : undefined;
}

/** Whether what a run has thrown says only that a sequence is not returned. */
export function isRefusal(thrown: unknown, outcome: SequenceOutcome | undefined): boolean {
  return outcome?.error !== undefined && messageOf(thrown) === outcome.error;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

let known: Promise<SequenceOutcome | undefined> | undefined;

/** What the installed onnxruntime does; undefined where sequences cannot be used. */
export function sequenceOutcome(): Promise<SequenceOutcome | undefined> {
  known ??= tryOut(async (place) => {
    const graph = new Graph();
    const x = graph.input('x', [1], 'float32');
    const { bytes } = lower(graph, { y: add(x, x) }, { sequence: SEQUENCE });
    const session = await InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
    });
    const feeds = { x: ortTensor(Float32Array.of(1), [1], 'float32') };
    try {
      await session.run(feeds, { [SEQUENCE]: null, y: ortTensor(place, [1], 'float32') });
    } finally {
      await session.release();
    }
  });
  return known;
}
