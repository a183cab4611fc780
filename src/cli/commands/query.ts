/** `tokenmill query`: SQL over everything that is committed in a workspace, or one of the reports. */
import { Command, Option } from 'commander';
import { TokenmillError } from '../../core/errors.js';
import { writeParts } from '../../store/query/output.js';
import { findReport, listReports, reportValues } from '../../store/query/reports.js';
import { QUERY_FORMATS, type QueryFormat, type QueryRequest } from '../../store/query/run.js';
import type { Parameter } from '../../store/query/statement.js';
import { VIEWS } from '../../store/views.js';
import { interruptSignal, withWorkspace, write } from '../context.js';
import { openSession } from '../session.js';
import { collectSetting } from '../settings.js';

interface Flags {
  readonly format: QueryFormat;
  readonly dataset?: string;
  readonly report?: string;
  readonly reports?: boolean;
  readonly set?: Record<string, string>;
  readonly allowFiles?: boolean;
  readonly workspace?: string;
}

export function queryCommand(): Command {
  const command = new Command('query')
    .description(`Runs one SELECT over the views ${VIEWS.join(', ')}, or a report.`)
    .argument('[sql]', 'the statement, in the dialect of DuckDB')
    .addOption(new Option('--format <format>', 'form of the answer').choices(QUERY_FORMATS).default('table'))
    .option('--dataset <dataset>', 'only this dataset')
    .option('--report <name>', 'run this report in place of a statement')
    .option('--reports', 'list the reports with their parameters')
    .addOption(
      new Option('--set <name=value>', 'value of a parameter $name; may be repeated').argParser(
        collectSetting,
      ),
    )
    .option('--allow-files', 'let the statement read files of this machine, such as a CSV to join with')
    .addHelpText(
      'after',
      `
Examples:
  tokenmill query "select verdict, reason, count(*) from documents group by all order by all"
  tokenmill query 'select source, "offset", length, url from documents where word_count > 1000' --format csv
  tokenmill query "describe documents"
  tokenmill query --report funnel
  tokenmill query --report domains --set limit=10`,
    );
  return withWorkspace(command).action(run);
}

async function run(sql: string | undefined, flags: Flags): Promise<void> {
  if (flags.reports === true) {
    await write(await describeReports());
    return;
  }
  const request = await requestOf(sql, flags);
  const session = await openSession(flags);
  try {
    const signal = interruptSignal('ending the query');
    await writeParts(session.query(request, signal), process.stdout);
  } finally {
    await session.close();
  }
}

async function requestOf(sql: string | undefined, flags: Flags): Promise<QueryRequest> {
  const { format, report: name, set = {} } = flags;
  if ((sql === undefined) === (name === undefined)) {
    throw new TokenmillError('USAGE', 'give a statement or --report NAME', {
      hint: 'tokenmill query --reports lists the reports',
    });
  }
  if (name === undefined) {
    const parameters = Object.fromEntries(Object.entries(set).map(([key, text]) => [key, valueOf(text)]));
    return { sql: sql as string, format, parameters };
  }
  const report = await findReport(name);
  return { sql: report.sql, format, parameters: reportValues(report, set) };
}

/** Numbers, true, false and null are themselves, all else is text. */
function valueOf(text: string): Parameter {
  return /^(?:-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|true|false|null)$/i.test(text)
    ? (JSON.parse(text.toLowerCase()) as Parameter)
    : text;
}

async function describeReports(): Promise<string> {
  const reports = await listReports();
  return reports
    .map(({ name, doc, parameters }) => {
      const lines = parameters.map(
        (one) => `    --set ${one.name}=${JSON.stringify(one.default)}  ${one.type}: ${one.doc}\n`,
      );
      return `${name}: ${doc}\n${lines.join('')}`;
    })
    .join('');
}
