/**
 * A test double of a training program for tests of the loop: its "loss" is a function of the tokens and of all updates
 * before, so that an update too much, too few, or out of order shows. It is no model.
 */
import type { StepResult } from '../../src/trainer/programs/training.js';

export class FakeProgram {
  /** Changes with every update. */
  weight = 1;
  readonly operations = 1000;
  readonly rates: number[] = [];
  /** Steps, from 1, whose loss is not finite. */
  readonly broken: ReadonlySet<number>;

  constructor(broken: readonly number[] = []) {
    this.broken = new Set(broken);
  }

  async step(
    ids: Int32Array,
    _targets: Int32Array,
    { learningRate }: { learningRate: number },
  ): Promise<StepResult> {
    this.rates.push(learningRate);
    if (this.broken.has(this.rates.length))
      return { loss: Number.NaN, gradientNorm: Number.NaN, applied: false };
    const loss = this.weight + ids[0];
    this.weight = (this.weight * 31 + ids[0]) % 1009;
    return { loss, gradientNorm: this.weight, applied: true };
  }
}
