/**
 * A hard limit on the wall-clock time of synchronous work: V8 is told to stop, so no loop and no regular expression
 * gets around it, and the thread lives on. What the work had changed stays as it was at that moment.
 */
import { Script } from 'node:vm';

const WORK = Symbol.for('tokenmill.limited-work');
const script = new Script('globalThis[Symbol.for("tokenmill.limited-work")]()', {
  filename: 'time-limit',
});

/** Runs `work` and says whether it came to its end. What it throws is thrown. @param milliseconds at least 1 */
export function runWithin(milliseconds: number, work: () => void): boolean {
  const holder = globalThis as unknown as Record<symbol, (() => void) | undefined>;
  holder[WORK] = work;
  try {
    script.runInThisContext({ timeout: milliseconds });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return false;
    throw error;
  } finally {
    holder[WORK] = undefined;
  }
}

/**
 * Runs a step for each number below `count`, none of them longer than the limit. One watch is set for many steps,
 * because each costs a thread: a step that is stopped behind others is begun again with all the time to itself.
 * @param step without effects but its result, so that it may be begun again
 * @returns a result for each, undefined for a step that took longer
 */
export function eachWithin<Result>(
  milliseconds: number,
  count: number,
  step: (index: number) => Result,
): (Result | undefined)[] {
  const results: (Result | undefined)[] = [];
  while (results.length < count) {
    const first = results.length;
    const finished = runWithin(milliseconds, () => {
      const started = performance.now();
      do results.push(step(results.length));
      while (results.length < count && performance.now() - started < milliseconds / 2);
    });
    if (!finished && results.length === first) results.push(undefined);
  }
  return results;
}
