/** The order of steps, evaluations, checkpoints and metrics, on a program that stands in for a model. */
import { describe, expect, it } from 'vitest';
import type { TrainingBatch } from '../../src/trainer/loader/batch.js';
import {
  MAX_SKIPPED_STEPS,
  runLoop,
  type LoopContext,
  type LoopPosition,
  type LoopProgress,
} from '../../src/trainer/loop.js';
import type { ConsumedTokens, StepMetrics } from '../../src/trainer/metrics.js';
import type { Evaluation } from '../../src/trainer/validation.js';
import { FakeProgram } from '../support/fake-program.js';

const START: LoopPosition = { step: 0, tokens: 0, skipped: 0 };
const EVALUATION: Evaluation = { loss: 2, perplexity: Math.exp(2), bitsPerByte: 1.5, tokens: 10, bytes: 20 };

/** A loop of `steps` steps of 4 tokens and what it did, in order. */
class Fixture {
  readonly events: string[] = [];
  readonly metrics: StepMetrics[] = [];
  readonly log: string[] = [];
  readonly consumed: ConsumedTokens[] = [];
  readonly checkpoints: LoopPosition[] = [];
  readonly validationLosses: (number | null)[] = [];
  readonly program: FakeProgram;
  readonly context: LoopContext;
  private batches = 0;

  constructor(steps: number, broken: readonly number[] = [], change: Partial<LoopContext> = {}) {
    this.program = new FakeProgram(broken);
    this.context = {
      run: 'r',
      program: this.program,
      data: { next: async () => this.batch(), renew: async () => undefined },
      schedule: { kind: 'cosine', peak: 1, minimum: 0, warmup: 2, decay: 0, steps },
      onNonfinite: 'skip',
      evalEvery: 3,
      checkpointEvery: 4,
      evaluate: async () => {
        this.events.push('evaluate');
        return EVALUATION;
      },
      checkpoint: async (position, validationLoss) => {
        this.events.push(`checkpoint ${position.step}`);
        this.checkpoints.push(position);
        this.validationLosses.push(validationLoss);
      },
      metrics: {
        append: async (line) => {
          this.events.push(`step ${line.step}`);
          this.metrics.push(line);
        },
      },
      consumed: { append: async (...ranges) => void this.consumed.push(...ranges) },
      log: (message) => this.log.push(message),
      ...change,
    };
  }

  range(): TrainingBatch['consumed'][number] {
    return { dataset: 'd', shard: 's', epoch: 1, start: 4 * this.batches - 4, end: 4 * this.batches };
  }

  batch(): TrainingBatch {
    this.batches += 1;
    return {
      ids: new Int32Array(4).fill(this.batches),
      targets: new Int32Array(4),
      consumed: [this.range()],
    };
  }
}

describe('loop', () => {
  it('steps, evaluates and saves when it should, and at the end', async () => {
    const loop = new Fixture(7);
    const result = await runLoop(START, loop.context);
    expect(loop.events).toEqual([
      'step 1',
      'step 2',
      'evaluate',
      'step 3',
      'step 4',
      'checkpoint 4',
      'step 5',
      'evaluate',
      'step 6',
      'evaluate',
      'step 7',
      'checkpoint 7',
    ]);
    expect(loop.checkpoints).toEqual([
      { step: 4, tokens: 16, skipped: 0 },
      { step: 7, tokens: 28, skipped: 0 },
    ]);
    // Step 4 is not evaluated, the last one is.
    expect(loop.validationLosses).toEqual([null, EVALUATION.loss]);
    // weight 1: loss 1 + 1, weight 1 * 31 + 1 = 32: loss 32 + 2, weight 32 * 31 + 2 = 994: loss 994 + 3
    expect(loop.metrics.map(({ loss }) => loss).slice(0, 3)).toEqual([2, 34, 997]);
    expect(result).toMatchObject({ step: 7, tokens: 28, skipped: 0, evaluation: EVALUATION });
    const sum = loop.metrics.reduce((total, { loss }) => total + (loss as number), 0);
    expect(result.loss).toBeCloseTo(sum / 7, 12);
  });

  it('writes one line a step, with the evaluation that followed it', async () => {
    const loop = new Fixture(3);
    await runLoop(START, loop.context);
    expect(loop.metrics[2]).toEqual({
      run: 'r',
      step: 3,
      loss: 997,
      learning_rate: 0,
      // 994 * 31 + 3 = 30817 = 30 * 1009 + 547
      gradient_norm: 547,
      tokens: 12,
      tokens_per_second: expect.any(Number) as number,
      validation_loss: 2,
      bits_per_byte: 1.5,
    });
    expect(Object.keys(loop.metrics[0])).not.toContain('validation_loss');
    // The mean of 2, 34 and 997.
    expect(loop.log.at(-1)).toMatch(
      /^step 3\/3 {2}loss 344\.3333 .* validation 2\.0000 {2}1\.5000 bits\/byte$/,
    );
  });

  it('writes down which tokens each step was trained on', async () => {
    const loop = new Fixture(2);
    await runLoop(START, loop.context);
    const range = { dataset: 'd', shard: 's', epoch: 1, tokens: 4 };
    expect(loop.consumed).toEqual([
      { step: 1, ...range, first_token: 0 },
      { step: 2, ...range, first_token: 4 },
    ]);
  });

  it('says how much of the machine a step uses, of the most that it has shown', async () => {
    const seen: LoopProgress[] = [];
    const onProgress = (one: LoopProgress): unknown => seen.push(one);
    await runLoop(START, new Fixture(1, [], { peak: 1e12, onProgress }).context);
    // 1000 operations a step
    const [{ operationsPerSecond, utilisation }] = seen;
    expect(operationsPerSecond).toBeGreaterThan(0);
    expect(utilisation).toBe(operationsPerSecond / 1e12);
    // What was measured in the beginning was too little: no step uses more than all of it.
    seen.length = 0;
    await runLoop(START, new Fixture(4, [], { peak: 1e-6, onProgress }).context);
    const rates = seen.map((one) => one.operationsPerSecond);
    const best = rates.map((_, at) => Math.max(...rates.slice(0, at + 1)));
    expect(seen.map((one) => one.utilisation)).toEqual(rates.map((rate, at) => rate / best[at]));
    expect(seen[0].utilisation).toBe(1);
  });

  it('uses the schedule’s rate of each step, also from the middle', async () => {
    const loop = new Fixture(4);
    await runLoop(START, loop.context);
    expect(loop.program.rates).toEqual([0.5, 1, expect.closeTo(0.5, 12), 0]);
    const later = new Fixture(4);
    await runLoop({ step: 2, tokens: 8, skipped: 0 }, later.context);
    expect(later.program.rates).toEqual([expect.closeTo(0.5, 12), 0]);
    expect(later.metrics.map(({ step, tokens }) => [step, tokens])).toEqual([
      [3, 12],
      [4, 16],
    ]);
  });

  it('ends after the step in which it is interrupted, with a checkpoint', async () => {
    const controller = new AbortController();
    const loop = new Fixture(20, [], { signal: controller.signal });
    const { metrics } = loop.context;
    const stopping = {
      ...loop.context,
      metrics: {
        async append(line: StepMetrics): Promise<void> {
          await metrics.append(line);
          if (line.step === 5) controller.abort();
        },
      },
    };
    await expect(runLoop(START, stopping)).rejects.toMatchObject({ code: 'INTERRUPTED', exitStatus: 130 });
    expect(loop.events.slice(-2)).toEqual(['step 5', 'checkpoint 5']);
    // Once more, with nothing done: no second checkpoint of the same step.
    const again = new Fixture(20, [], { signal: controller.signal });
    await expect(runLoop({ ...START, step: 5 }, again.context)).rejects.toMatchObject({
      code: 'INTERRUPTED',
    });
    expect(again.events).toEqual([]);
  });

  it('is done when it is interrupted in its last step', async () => {
    const controller = new AbortController();
    const loop = new Fixture(3, [], {
      signal: controller.signal,
      onProgress: ({ step }) => step === 3 && controller.abort(),
    });
    await expect(runLoop(START, loop.context)).resolves.toMatchObject({ step: 3 });
    expect(loop.events.at(-1)).toBe('checkpoint 3');
  });

  it('waits for data after a checkpoint of what it has, and goes on', async () => {
    let asked = 0;
    let renewed = 0;
    const loop: Fixture = new Fixture(4, [], {
      data: {
        async next() {
          asked += 1;
          return asked === 3 || asked === 4 ? undefined : loop.batch();
        },
        async renew() {
          renewed += 1;
        },
      },
    });
    await runLoop(START, loop.context);
    expect(loop.events).toEqual([
      'step 1',
      'step 2',
      'checkpoint 2',
      'evaluate',
      'step 3',
      'evaluate',
      'step 4',
      'checkpoint 4',
    ]);
    expect(renewed).toBe(2);
  });

  it('ends a wait at once when it is asked to', async () => {
    const controller = new AbortController();
    const loop = new Fixture(4, [], {
      signal: controller.signal,
      data: {
        async next() {
          setImmediate(() => controller.abort());
          return undefined;
        },
        renew: async () => undefined,
      },
    });
    await expect(runLoop(START, loop.context)).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: 'interrupted before the first step',
    });
  });
});

describe('steps that are not finite', () => {
  it('are skipped and counted, and the count ends with a step that is', async () => {
    const loop = new Fixture(8, [2, 3, 4, 6]);
    await runLoop(START, loop.context);
    expect(loop.metrics.map(({ loss }) => loss === null)).toEqual([
      false,
      true,
      true,
      true,
      false,
      true,
      false,
      false,
    ]);
    expect(loop.metrics[1].gradient_norm).toBeNull();
    expect(loop.checkpoints).toEqual([
      { step: 4, tokens: 16, skipped: 3 },
      { step: 8, tokens: 32, skipped: 0 },
    ]);
    expect(loop.log).toContain('step 2 is skipped: loss NaN, gradient norm NaN');
  });

  it('end the run when there are too many in a row, without a checkpoint', async () => {
    const broken = Array.from({ length: MAX_SKIPPED_STEPS }, (_, index) => index + 6);
    const loop = new Fixture(100, broken);
    await expect(runLoop(START, loop.context)).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: `run r diverged at step ${5 + MAX_SKIPPED_STEPS}: loss NaN, gradient norm NaN`,
    });
    expect(loop.checkpoints.map(({ step }) => step)).toEqual([4, 8]);
    // One fewer is survived.
    await runLoop(START, new Fixture(100, broken.slice(1)).context);
  });

  it('end the run at the first of them where that is asked for, with the checkpoints before it', async () => {
    const loop = new Fixture(100, [6], { onNonfinite: 'stop' });
    await expect(runLoop(START, loop.context)).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: 'run r diverged at step 6: loss NaN, gradient norm NaN',
    });
    expect(loop.checkpoints.map(({ step }) => step)).toEqual([4]);
    expect(loop.metrics).toHaveLength(5);
  });

  it('go on being counted in a resumed run', async () => {
    const loop = new Fixture(100, [1]);
    const start = { step: 10, tokens: 40, skipped: MAX_SKIPPED_STEPS - 1 };
    await expect(runLoop(start, loop.context)).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
  });

  it('are not counted where the loss scale of float16 is to blame, down to 1', async () => {
    let lossScale = 2 ** (MAX_SKIPPED_STEPS + 2);
    const program = {
      operations: 1,
      step: async () => {
        lossScale /= 2;
        return { loss: 1, gradientNorm: Infinity, applied: false, lossScale };
      },
    };
    const loop = new Fixture(100, [], { program, onNonfinite: 'stop' });
    await expect(runLoop(START, loop.context)).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: `run r diverged at step ${MAX_SKIPPED_STEPS + 2}: loss 1, gradient norm Infinity`,
    });
    expect(loop.log).toContain(
      `step ${MAX_SKIPPED_STEPS + 1} is skipped: gradients overflow with a loss scale of 2, half of it is next`,
    );
  });

  it('end the run at once where the engine applied one all the same', async () => {
    const program = {
      operations: 1,
      step: async () => ({ loss: Number.POSITIVE_INFINITY, gradientNorm: 1, applied: true }),
    };
    const loop = new Fixture(10, [], { program });
    await expect(runLoop(START, loop.context)).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' });
    expect(loop.checkpoints).toEqual([]);
  });
});
