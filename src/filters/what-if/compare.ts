/** Two policies over the same dataset: which documents they judge differently, and why. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Policy } from '../policy.js';
import { createReasonTable, type Amount } from './explain.js';

export interface FlippedExample {
  readonly document_id: string;
  readonly url: string | null;
  readonly reason: string;
  readonly measured: number;
}

/** Documents that one policy keeps and the other drops. */
export interface Flip extends Amount {
  /** By the rule of the policy that drops them, most documents first. */
  readonly reasons: readonly (Amount & { readonly rule: string })[];
  /** The first documents, in order. */
  readonly examples: readonly FlippedExample[];
}

export interface PolicyDifference {
  readonly a: { readonly policy: string; readonly sha256: string; readonly kept: Amount };
  readonly b: { readonly policy: string; readonly sha256: string; readonly kept: Amount };
  readonly documents: Amount;
  /** Kept by a, dropped by b. */
  readonly newly_dropped: Flip;
  /** Dropped by a, kept by b. */
  readonly newly_kept: Flip;
  /** Dropped by both, for reasons of different names. */
  readonly other_reason: Amount;
}

/**
 * Compares two policies over the stored signals of the connection.
 * @param examples documents shown for each direction
 * @throws TokenmillError POLICY_INVALID
 */
export async function comparePolicies(
  connection: DuckDBConnection,
  a: Policy,
  b: Policy,
  examples: number,
): Promise<PolicyDifference> {
  await createReasonTable(connection, a, 'judged_a');
  await createReasonTable(connection, b, 'judged_b');
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE judged AS
     SELECT a.ordinal, a.document_id, a.url, a.document_tokens,
            a.reason AS reason_a, a.measured AS measured_a, b.reason AS reason_b, b.measured AS measured_b
     FROM judged_a a JOIN judged_b b USING (ordinal)`,
  );
  const kept = async (condition: string): Promise<Amount> => amountOf(connection, condition);
  return {
    a: { policy: a.name, sha256: a.sha256, kept: await kept('reason_a IS NULL') },
    b: { policy: b.name, sha256: b.sha256, kept: await kept('reason_b IS NULL') },
    documents: await kept('true'),
    newly_dropped: await flip(connection, 'a', 'b', examples),
    newly_kept: await flip(connection, 'b', 'a', examples),
    other_reason: await kept('reason_a <> reason_b'),
  };
}

async function amountOf(connection: DuckDBConnection, condition: string): Promise<Amount> {
  const result = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE, coalesce(sum(document_tokens), 0)::DOUBLE FROM judged WHERE ${condition}`,
  );
  const [documents, tokens] = result.getRows()[0].map(Number);
  return { documents, tokens };
}

/** What `keeps` keeps and `drops` drops. */
async function flip(
  connection: DuckDBConnection,
  keeps: 'a' | 'b',
  drops: 'a' | 'b',
  examples: number,
): Promise<Flip> {
  const condition = `reason_${keeps} IS NULL AND reason_${drops} IS NOT NULL`;
  const reasons = await connection.runAndReadAll(
    `SELECT reason_${drops}, count(*)::DOUBLE, sum(document_tokens)::DOUBLE FROM judged WHERE ${condition}
     GROUP BY ALL ORDER BY 2 DESC, 1`,
  );
  const shown = await connection.runAndReadAll(
    `SELECT document_id, url, reason_${drops}, measured_${drops} FROM judged WHERE ${condition}
     ORDER BY ordinal LIMIT ${examples}`,
  );
  return {
    ...(await amountOf(connection, condition)),
    reasons: reasons.getRows().map(([rule, documents, tokens]) => ({
      rule: rule as string,
      documents: documents as number,
      tokens: tokens as number,
    })),
    examples: shown.getRows().map(([document_id, url, reason, measured]) => ({
      document_id: document_id as string,
      url: url as string | null,
      reason: reason as string,
      measured: measured as number,
    })),
  };
}
