/**
 * Named reports: the SQL files of `sql/reports`, each one statement that reads, with a header of comments:
 *
 *     -- title: Languages
 *     -- doc: Documents and tokens by language.
 *     -- param dataset text '' only this dataset; empty for all
 *     -- param limit integer 50 how many
 *
 * A parameter is `name type default description`; the statement names it `$name`. Types are text, integer, number and
 * boolean; a default is a JSON value or a text in single quotes.
 */
import { readdir, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TokenmillError } from '../../core/errors.js';
import { packageFile } from '../../core/paths.js';

const TYPES = {
  text: z.string().max(1000),
  integer: z.coerce.number().int(),
  number: z.coerce.number(),
  boolean: z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]),
} as const;

export type ReportType = keyof typeof TYPES;
export type ReportValue = string | number | boolean;

export interface ReportParameter {
  readonly name: string;
  readonly type: ReportType;
  readonly default: ReportValue;
  readonly doc: string;
}

export interface Report {
  readonly name: string;
  readonly title: string;
  readonly doc: string;
  readonly parameters: readonly ReportParameter[];
  readonly sql: string;
}

const HEADER = /^-- (title|doc|param):? (.*)$/gm;
const PARAMETER = /^([a-z_]+) (text|integer|number|boolean) ('[^']*'|\S+) (.+)$/;

/** A report out of its file. @throws TokenmillError INTERNAL for a header that is not one */
export function parseReport(name: string, sql: string): Report {
  const fail = (what: string): TokenmillError =>
    new TokenmillError('INTERNAL', `report ${name}: ${what} is not as it should be`);
  const lines = [...sql.matchAll(HEADER)].map(([, key, text]) => ({ key, text }));
  const one = (key: string): string => {
    const found = lines.filter((line) => line.key === key);
    if (found.length !== 1) throw fail(key);
    return found[0].text;
  };
  const parameters = lines
    .filter(({ key }) => key === 'param')
    .map(({ text }): ReportParameter => {
      const match = PARAMETER.exec(text);
      if (match === null) throw fail(`the parameter "${text}"`);
      const [, parameter, type, literal, doc] = match;
      const value = literal.startsWith("'") ? literal.slice(1, -1) : (JSON.parse(literal) as unknown);
      const parsed = TYPES[type as ReportType].safeParse(value);
      if (!parsed.success) throw fail(`the default of ${parameter}`);
      return { name: parameter, type: type as ReportType, default: parsed.data, doc };
    });
  return { name, title: one('title'), doc: one('doc'), parameters, sql };
}

let reports: Promise<Report[]> | undefined;

/** All reports, by name. They are part of the package and do not change while it runs. */
export async function listReports(): Promise<Report[]> {
  reports ??= readReports();
  return reports;
}

async function readReports(): Promise<Report[]> {
  const folder = packageFile('sql/reports');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) =>
      parseReport(file.slice(0, -'.sql'.length), await readFile(`${folder}/${file}`, 'utf8')),
    ),
  );
}

/** @throws TokenmillError REPORT_NOT_FOUND */
export async function findReport(name: string): Promise<Report> {
  const all = await listReports();
  const found = all.find((report) => report.name === name);
  if (found !== undefined) return found;
  throw new TokenmillError('REPORT_NOT_FOUND', `there is no report ${JSON.stringify(name)}`, {
    hint: `the reports are ${all.map((report) => report.name).join(', ')}`,
  });
}

/**
 * The values of a report's parameters: those given, as text or as what they are, and the defaults of the others.
 * @throws TokenmillError USAGE for a value that does not fit, or a parameter that the report does not have
 */
export function reportValues(
  report: Report,
  given: Readonly<Record<string, unknown>>,
): Record<string, ReportValue> {
  const names = report.parameters.map(({ name }) => name);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new TokenmillError('USAGE', `report ${report.name} has no parameter ${unknown}`, {
      hint: names.length === 0 ? 'it has none' : `its parameters are ${names.join(', ')}`,
    });
  }
  return Object.fromEntries(
    report.parameters.map((parameter) => {
      if (!Object.hasOwn(given, parameter.name)) return [parameter.name, parameter.default];
      const parsed = TYPES[parameter.type].safeParse(given[parameter.name]);
      if (parsed.success) return [parameter.name, parsed.data];
      throw new TokenmillError(
        'USAGE',
        `${parameter.name} of report ${report.name} must be: ${parameter.type}`,
      );
    }),
  );
}
