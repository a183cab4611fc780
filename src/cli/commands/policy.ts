/** `tokenmill policy`: which policies there are, what they say, and what they would do to a dataset. */
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { TokenmillError } from '../../core/errors.js';
import { formatCount } from '../../core/format.js';
import { stderrLog } from '../../core/log.js';
import { Progress } from '../../core/progress.js';
import { loadPolicy, policyNames, validatePolicy, type Policy } from '../../filters/policy.js';
import { comparePolicies, type Flip, type PolicyDifference } from '../../filters/what-if/compare.js';
import { explainPolicy, type Amount, type PolicyExplanation } from '../../filters/what-if/explain.js';
import { loadStoredSignals, type StoredSignals } from '../../filters/what-if/signals-view.js';
import { openDatabase } from '../../store/database.js';
import { reapplyPolicy } from '../../ingest/reapply.js';
import { interruptSignal, openWorkspace, withWorkspace, write } from '../context.js';
import { collectSetting } from '../settings.js';
import { withViews } from '../views.js';

const DEFAULT_DATASET = 'default';
const DEFAULT_EXAMPLES = 3;
/** More are a query's business. */
const MAX_EXAMPLES = 1000;

interface DatasetFlags {
  readonly dataset: string;
  readonly examples: string;
  readonly set?: Record<string, string>;
  readonly json?: boolean;
  readonly workspace?: string;
}

export function policyCommand(): Command {
  const command = new Command('policy').description(
    'Shows policies, and what they would do to a dataset by the signals that it has stored.',
  );
  command.addCommand(
    new Command('list')
      .description('The policies that come with Tokenmill.')
      .option('--json', 'print JSON')
      .action(list),
  );
  command.addCommand(
    new Command('show')
      .description('Rules and thresholds of a policy; it is checked too.')
      .argument('<policy>', 'a name in sql/policies or a SQL file')
      .option('--set <name=value>', 'a threshold of the policy; may be repeated', collectSetting)
      .option('--json', 'print JSON')
      .action(show),
  );
  command.addCommand(
    withDataset(
      new Command('explain')
        .description('How many documents and tokens each rule of a policy drops: alone, first, and together.')
        .argument('<policy>', 'a name in sql/policies or a SQL file')
        .option('--set <name=value>', 'a threshold of the policy; may be repeated', collectSetting),
    ).action(explain),
  );
  command.addCommand(
    withDataset(
      new Command('diff')
        .description('Which documents two policies judge differently, by which rules, with examples.')
        .argument('<a>', 'a name in sql/policies or a SQL file')
        .argument('<b>', 'the policy to compare with it')
        .option('--set <name=value>', 'a threshold of policy b; may be repeated', collectSetting),
    ).action(diff),
  );
  command.addCommand(
    withWorkspace(
      new Command('reapply')
        .description(
          'Makes a new dataset under another policy from one that exists, without reading the crawl: only records whose text was not kept and that pass now are read again.',
        )
        .argument('<policy>', 'a name in sql/policies or a SQL file')
        .requiredOption('--into <dataset>', 'the dataset to make; a run that was cut off continues')
        .option('--dataset <dataset>', 'the dataset that exists', DEFAULT_DATASET)
        .option('--set <name=value>', 'a threshold of the policy; may be repeated', collectSetting)
        .option('--workers <number>', 'worker threads', String(availableParallelism()))
        .option('--memory <size>', 'memory that DuckDB may use before it spills to disk', '256MB')
        .option('--json', 'print the summary as JSON'),
    ).action(reapply),
  );
  return command.addHelpText(
    'after',
    `
Examples:
  tokenmill policy list
  tokenmill policy explain fineweb --dataset crawl
  tokenmill policy diff gopher gopher --set min_words=100 --dataset crawl
  tokenmill policy diff gopher ./mine.sql --json
  tokenmill policy reapply fineweb --dataset crawl --into crawl-fineweb`,
  );
}

function withDataset(command: Command): Command {
  return withWorkspace(
    command
      .option('--dataset <dataset>', 'dataset whose stored signals are judged', DEFAULT_DATASET)
      .option('--examples <number>', 'documents shown for each rule', String(DEFAULT_EXAMPLES))
      .option('--json', 'print JSON'),
  );
}

async function list(flags: { json?: boolean }): Promise<void> {
  const policies = await Promise.all((await policyNames()).map((name) => loadPolicy(name)));
  if (flags.json === true) {
    await write(
      `${JSON.stringify(policies.map(({ name, description, rules }) => ({ name, description, rules })))}\n`,
    );
    return;
  }
  const width = Math.max(...policies.map(({ name }) => name.length));
  for (const { name, description, rules } of policies) {
    const first = description.replaceAll('\n', ' ').replace(/(?<=[.:])\s.*$/, '');
    await write(`${name.padEnd(width)}  ${String(rules.length).padStart(2)} rules  ${first}\n`);
  }
}

async function show(name: string, flags: { set?: Record<string, string>; json?: boolean }): Promise<void> {
  const policy = await checkedPolicy(name, flags.set);
  const { description, variables, rules, sha256 } = policy;
  if (flags.json === true) {
    await write(`${JSON.stringify({ name: policy.name, sha256, description, variables, rules })}\n`);
    return;
  }
  const width = Math.max(0, ...variables.map((variable) => variable.name.length));
  await write(`${policy.name} (sha256 ${sha256.slice(0, 12)})\n${description}\n\nthresholds\n`);
  for (const variable of variables) {
    await write(`  ${variable.name.padEnd(width)}  ${variable.value}  ${variable.doc}\n`);
  }
  await write(`\nrules, in order\n${rules.map((rule, index) => `  ${index + 1}. ${rule}\n`).join('')}`);
}

/** A policy that has been checked in a database of its own. */
async function checkedPolicy(name: string, set: Record<string, string> | undefined): Promise<Policy> {
  const policy = await loadPolicy(name, { set });
  const database = await openDatabase();
  try {
    await validatePolicy(database.connection, policy);
  } finally {
    database.close();
  }
  return policy;
}

function examplesOf(flags: DatasetFlags): number {
  const examples = Number(flags.examples);
  if (Number.isInteger(examples) && examples >= 0 && examples <= MAX_EXAMPLES) return examples;
  throw new TokenmillError('USAGE', `--examples ${flags.examples} is not a number from 0 to ${MAX_EXAMPLES}`);
}

async function explain(name: string, flags: DatasetFlags): Promise<void> {
  const examples = examplesOf(flags);
  const policy = await checkedPolicy(name, flags.set);
  const [explanation, stored] = await withViews(flags, async (connection) => {
    const signals = await loadStoredSignals(connection, flags.dataset);
    return [await explainPolicy(connection, policy, signals, examples), signals] as const;
  });
  if (flags.json === true) await write(`${JSON.stringify(explanation)}\n`);
  else await write(describeExplanation(explanation, stored));
}

async function diff(a: string, b: string, flags: DatasetFlags): Promise<void> {
  const examples = examplesOf(flags);
  const policies = [await checkedPolicy(a, undefined), await checkedPolicy(b, flags.set)] as const;
  const difference = await withViews(flags, async (connection) => {
    await loadStoredSignals(connection, flags.dataset);
    return comparePolicies(connection, ...policies, examples);
  });
  if (flags.json === true) await write(`${JSON.stringify(difference)}\n`);
  else await write(describeDifference(difference));
}

interface ReapplyFlags {
  readonly into: string;
  readonly dataset: string;
  readonly set?: Record<string, string>;
  readonly workers: string;
  readonly memory: string;
  readonly json?: boolean;
  readonly workspace?: string;
}

async function reapply(name: string, flags: ReapplyFlags): Promise<void> {
  const workers = Number(flags.workers);
  if (!Number.isInteger(workers) || workers < 1) {
    throw new TokenmillError('USAGE', `--workers ${flags.workers} is not a number from 1`);
  }
  const policy = await checkedPolicy(name, flags.set);
  const progress = new Progress({ label: 'reapply', format: formatCount });
  const summary = await reapplyPolicy(
    {
      from: flags.dataset,
      into: flags.into,
      policy,
      set: flags.set ?? {},
      workers,
      memory: flags.memory,
    },
    {
      workspace: openWorkspace(flags),
      log(message) {
        progress.clear();
        stderrLog(message);
      },
      onProgress({ bytes, totalBytes, kept }) {
        progress.update({
          done: bytes,
          total: totalBytes,
          note: `${formatCount(kept)} kept`,
          values: { kept },
        });
      },
      signal: interruptSignal('finishing the window; press Ctrl-C again to stop at once'),
    },
  );
  progress.clear();
  const of = (counter: string): string => formatCount(summary.counts[counter] ?? 0);
  await write(
    flags.json === true
      ? `${JSON.stringify(summary)}\n`
      : `dataset ${summary.dataset}: ${of('documents')} documents, ${of('kept')} kept, ${of('tokens')} tokens; ${formatCount(summary.fetched)} records were read again\n`,
  );
}

const amount = ({ documents, tokens }: Amount): string =>
  `${formatCount(documents).padStart(11)} ${formatCount(tokens).padStart(15)}`;

function describeExplanation(explanation: PolicyExplanation, stored: StoredSignals): string {
  const width = Math.max(12, ...explanation.rules.map(({ rule }) => rule.length));
  const heads = ['alone', 'first', 'only', 'together'].map(
    (head) => `${head.padStart(11)} ${'tokens'.padStart(15)}`,
  );
  const lines = [
    `${''.padEnd(width)}${heads.join('')}`,
    ...explanation.rules.map(
      ({ rule, alone, first, only, together }) =>
        `${rule.padEnd(width)}${[alone, first, only, together].map(amount).join('')}`,
    ),
    '',
    `documents ${amount(explanation.documents)}`,
    `kept      ${amount(explanation.kept)}`,
    `dropped   ${amount(explanation.dropped)}`,
    `Tokens of documents that have none are estimated: ${stored.tokensPerByte.toFixed(4)} a byte.`,
    'alone: breaks the rule; first: it is the reason; only: breaks no other; together: dropped by it and those before.',
  ];
  for (const { rule, examples } of explanation.rules) {
    if (examples.length === 0) continue;
    lines.push('', `${rule}:`);
    for (const { document_id, url, measured } of examples) {
      lines.push(`  ${document_id.slice(0, 12)}  ${measured}  ${url ?? ''}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function describeDifference({
  a,
  b,
  documents,
  newly_dropped,
  newly_kept,
  other_reason,
}: PolicyDifference): string {
  const describe = (title: string, flip: Flip): string[] => [
    '',
    `${title}: ${formatCount(flip.documents)} documents, ${formatCount(flip.tokens)} tokens`,
    ...flip.reasons.map((reason) => `${amount(reason)}  ${reason.rule}`),
    ...flip.examples.map(
      ({ document_id, url, reason, measured }) =>
        `  ${document_id.slice(0, 12)}  ${reason} ${measured}  ${url ?? ''}`,
    ),
  ];
  const lines = [
    `${''.padEnd(10)}${'documents'.padStart(11)} ${'tokens'.padStart(15)}`,
    `all       ${amount(documents)}`,
    `a keeps   ${amount(a.kept)}  ${a.policy}`,
    `b keeps   ${amount(b.kept)}  ${b.policy}`,
    ...describe('kept by a, dropped by b', newly_dropped),
    ...describe('dropped by a, kept by b', newly_kept),
    '',
    `dropped by both for another reason: ${formatCount(other_reason.documents)} documents`,
  ];
  return `${lines.join('\n')}\n`;
}
