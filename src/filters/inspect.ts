/** What a policy makes of one text: all that is measured of it, and the verdict. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { detectLanguage } from './language.js';
import { applyPolicy, validatePolicy, type Policy } from './policy.js';
import { measureSignals, SIGNALS, type SignalValue } from './signals/index.js';
import { appendSignals, createSignalsTable } from './signals/table.js';

export interface Inspection {
  readonly verdict: 'keep' | 'drop';
  /** The first rule that drops the text, and the value that it measured. */
  readonly reason: string | null;
  readonly measured: number | null;
  readonly language: string;
  readonly language_score: number;
  readonly signals: Readonly<Record<string, SignalValue>>;
}

/** @throws TokenmillError POLICY_INVALID */
export async function inspectText(
  connection: DuckDBConnection,
  policy: Policy,
  text: string,
  url: string | null = null,
): Promise<Inspection> {
  await validatePolicy(connection, policy);
  const values = measureSignals(text);
  const { language, score } = detectLanguage(text);
  const row = { ordinal: 0, url, language, languageScore: score, signals: values };
  await createSignalsTable(connection, 'inspected');
  await appendSignals(connection, 'inspected', [row]);
  await applyPolicy(connection, policy, { signalsTable: 'inspected', verdictsTable: 'inspected_verdicts' });
  const result = await connection.runAndReadAll('SELECT verdict, reason, measured FROM inspected_verdicts');
  const [verdict, reason, measured] = result.getRows()[0];
  return {
    verdict: verdict as Inspection['verdict'],
    reason: reason as string | null,
    measured: measured as number | null,
    language,
    language_score: score,
    signals: Object.fromEntries(SIGNALS.map(({ name }, index) => [name, values[index]])),
  };
}
