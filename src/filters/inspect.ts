/** What a policy makes of one text: all that is measured of it, and the verdict. */
import { openDatabase } from '../store/database.js';
import { detectLanguage } from './language/detect.js';
import type { UrlLists } from './lists/url-lists.js';
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

/**
 * Measures a text and applies a policy to it.
 * @param options.url address of the document, for rules that look at it
 * @param options.lists what the address is looked up in
 * @throws TokenmillError POLICY_INVALID
 */
export async function inspectText(
  text: string,
  policy: Policy,
  options: { readonly url?: string | null; readonly lists?: UrlLists | undefined } = {},
): Promise<Inspection> {
  const { language, score } = detectLanguage(text);
  const url = options.url ?? null;
  const signals = measureSignals(text, { url, language, lists: options.lists });
  const database = await openDatabase();
  try {
    const { connection } = database;
    await validatePolicy(connection, policy);
    await createSignalsTable(connection, 'signals');
    await appendSignals(connection, 'signals', [
      { ordinal: 0, url, language, languageScore: score, signals },
    ]);
    await applyPolicy(connection, policy, { signalsTable: 'signals', verdictsTable: 'verdicts' });
    const result = await connection.runAndReadAll('SELECT verdict, reason, measured FROM verdicts');
    const [verdict, reason, measured] = result.getRows()[0];
    return {
      verdict: verdict as Inspection['verdict'],
      reason: reason as string | null,
      measured: measured as number | null,
      language,
      language_score: score,
      signals: Object.fromEntries(SIGNALS.map(({ name }, index) => [name, signals[index]])),
    };
  } finally {
    database.close();
  }
}
