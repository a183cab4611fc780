import { describe, expect, test } from 'vitest';
import { measureSignals, SIGNALS } from '../../../src/filters/signals/index.js';
import { REFERENCES } from './references.js';

/** Signals of a text by name. */
function named(text: string): Record<string, unknown> {
  const values = measureSignals(text);
  return Object.fromEntries(SIGNALS.map(({ name }, index) => [name, values[index]]));
}

describe('signals agree with datatrove', () => {
  test.each(REFERENCES)('$name', ({ text, signals }) => {
    const rounded = (values: Record<string, unknown>): [string, string][] =>
      Object.entries(values).map(([name, value]) => [name, Number(value).toFixed(12)]);
    const measured = named(text);
    const known = Object.fromEntries(Object.keys(signals).map((name) => [name, measured[name]]));
    expect(rounded(known)).toEqual(rounded(signals));
  });
});
