/** What each rule of a policy does to a dataset. Deduplication comes after a policy and is not part of it. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteName, quoteText } from '../../store/schema.js';
import type { PolicyVariable } from '../policy-text.js';
import { createRulesTable, type Policy } from '../policy.js';
import { STORED_SIGNALS, type StoredSignals } from './signals-view.js';

/** Documents, and their tokens; those of dropped documents are estimated by their bytes. */
export interface Amount {
  readonly documents: number;
  readonly tokens: number;
}

export interface Example {
  readonly document_id: string;
  readonly url: string | null;
  readonly measured: number;
}

export interface RuleEffect {
  readonly rule: string;
  /** Documents that break the rule, whatever else they break: what it would drop by itself. */
  readonly alone: Amount;
  /** Documents whose reason it is: it is the first rule that they break. */
  readonly first: Amount;
  /** Documents that break no other rule: what would be kept without it. */
  readonly only: Amount;
  /** Documents dropped by this rule and those before it. */
  readonly together: Amount;
  /** The first documents, in order, whose reason it is. */
  readonly examples: readonly Example[];
}

export interface PolicyExplanation {
  readonly policy: string;
  readonly sha256: string;
  readonly description: string;
  readonly variables: readonly PolicyVariable[];
  readonly documents: Amount;
  readonly kept: Amount;
  readonly dropped: Amount;
  readonly rules: readonly RuleEffect[];
}

/**
 * Applies a policy to the stored signals of the connection, one query for all rules.
 * @param examples documents shown for each rule
 * @throws TokenmillError POLICY_INVALID
 */
export async function explainPolicy(
  connection: DuckDBConnection,
  policy: Policy,
  stored: StoredSignals,
  examples: number,
): Promise<PolicyExplanation> {
  await createReasonTable(connection, policy, 'explained');
  const amount = (condition: string): string[] => [
    `count(*) FILTER (${condition})`,
    `coalesce(sum(document_tokens) FILTER (${condition}), 0)`,
  ];
  const columns = [
    ...amount('true'),
    ...amount('reason IS NOT NULL'),
    ...policy.rules.flatMap((rule) => [
      ...amount(`${quoteName(rule)} IS NOT NULL`),
      ...amount(`reason = ${quoteText(rule)}`),
      ...amount(`${quoteName(rule)} IS NOT NULL AND broken = 1`),
    ]),
  ].map((column) => `(${column})::DOUBLE`);
  const result = await connection.runAndReadAll(`SELECT ${columns.join(', ')} FROM explained`);
  const numbers = result.getRows()[0].map(Number);
  let next = 0;
  const take = (): Amount => ({ documents: numbers[next++], tokens: numbers[next++] });
  const documents = take();
  const dropped = take();
  const found = await readExamples(connection, examples);
  let together: Amount = { documents: 0, tokens: 0 };
  const rules = policy.rules.map((rule): RuleEffect => {
    const [alone, first, only] = [take(), take(), take()];
    together = {
      documents: together.documents + first.documents,
      tokens: together.tokens + first.tokens,
    };
    return { rule, alone, first, only, together, examples: found.get(rule) ?? [] };
  });
  return {
    policy: policy.name,
    sha256: policy.sha256,
    description: policy.description,
    variables: policy.variables,
    documents: { documents: stored.documents, tokens: documents.tokens },
    kept: { documents: documents.documents - dropped.documents, tokens: documents.tokens - dropped.tokens },
    dropped,
    rules,
  };
}

/** Creates a table of the policy's rules with document_id, url, document_tokens, reason, measured and broken (a number). */
export async function createReasonTable(
  connection: DuckDBConnection,
  policy: Policy,
  table: string,
): Promise<void> {
  await createRulesTable(connection, policy, { signalsTable: STORED_SIGNALS, rulesTable: `${table}_rules` });
  const reasons = policy.rules.map((rule) => `WHEN ${quoteName(rule)} IS NOT NULL THEN ${quoteText(rule)}`);
  const values = policy.rules.map(quoteName);
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${table} AS
     SELECT r.*, s.document_id, s.url, s.document_tokens,
            (${reasons.length === 0 ? 'NULL' : `CASE ${reasons.join(' ')} END`})::VARCHAR AS reason,
            (coalesce(${[...values, 'NULL'].join(', ')}))::DOUBLE AS measured,
            ${values.map((value) => `(${value} IS NOT NULL)::INTEGER`).join(' + ') || '0'} AS broken
     FROM ${table}_rules r JOIN ${STORED_SIGNALS} s USING (ordinal)`,
  );
}

async function readExamples(connection: DuckDBConnection, examples: number): Promise<Map<string, Example[]>> {
  const result = await connection.runAndReadAll(
    `SELECT reason, document_id, url, measured FROM explained WHERE reason IS NOT NULL
     QUALIFY row_number() OVER (PARTITION BY reason ORDER BY ordinal) <= ${examples}
     ORDER BY reason, ordinal`,
  );
  const byRule = new Map<string, Example[]>();
  for (const [reason, document_id, url, measured] of result.getRows()) {
    const list = byRule.get(reason as string) ?? [];
    list.push({
      document_id: document_id as string,
      url: url as string | null,
      measured: measured as number,
    });
    byRule.set(reason as string, list);
  }
  return byRule;
}
