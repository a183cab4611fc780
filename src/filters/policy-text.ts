/**
 * Reads the text of a policy: its description, its thresholds and the names of its rules. Pure; what the SQL means is
 * for DuckDB to say (`policy.ts`).
 *
 * A policy is a comment that describes it, then `SET VARIABLE name = literal; -- what it is` for each threshold, then
 * one `SELECT ordinal, expression AS rule, ... FROM signals`.
 */
import { TokenmillError } from '../core/errors.js';

export interface PolicyVariable {
  readonly name: string;
  /** A SQL literal: number, string, boolean, or list of these. */
  readonly value: string;
  readonly doc: string;
}

export interface PolicyText {
  readonly description: string;
  readonly variables: readonly PolicyVariable[];
  /** The SELECT statement without its semicolon. */
  readonly select: string;
  /** Names of the rules in the order of the columns. */
  readonly rules: readonly string[];
}

interface Token {
  readonly kind: 'comment' | 'quoted' | 'word' | 'other';
  readonly text: string;
  readonly start: number;
}

/** Comments, strings, quoted identifiers, dollar quotes, words and numbers, anything else one character at a time. */
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$([A-Za-z_]*)\$[\s\S]*?\$\1\$|[\p{L}\p{N}_]+|[\s\S]/gu;

const NUMBER = String.raw`[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?`;
const SCALAR = String.raw`(?:${NUMBER}|'(?:[^']|'')*'|true|false)`;
const LITERAL = new RegExp(String.raw`^(?:${SCALAR}|\[\s*${SCALAR}(?:\s*,\s*${SCALAR})*\s*\])$`, 'i');
const ASSIGNMENT = /^set\s+variable\s+([a-z_][a-z0-9_]*)\s*=\s*([\s\S]+)$/i;
const RULE_NAME = /^[a-z][a-z0-9_]*$/;

/** @throws TokenmillError POLICY_INVALID naming the line */
export function parsePolicy(name: string, sql: string): PolicyText {
  const tokens = tokenize(sql);
  const fail = (message: string, offset: number, hint: string): TokenmillError =>
    new TokenmillError('POLICY_INVALID', `policy ${name}: ${message}`, {
      place: { line: sql.slice(0, offset).split('\n').length },
      hint,
    });
  const variables: PolicyVariable[] = [];
  let select: Token[] | undefined;
  for (const statement of splitStatements(tokens)) {
    const code = statement.tokens.filter(({ kind }) => kind !== 'comment');
    const text = code
      .map((token) => token.text)
      .join('')
      .trim();
    if (text === '') continue;
    const { start } = code.find((token) => token.text.trim() !== '') as Token;
    if (select !== undefined) {
      throw fail('there is something behind the SELECT statement', start, 'the SELECT is the last statement');
    }
    if (/^select\b/i.test(text)) {
      select = statement.tokens;
      continue;
    }
    const match = ASSIGNMENT.exec(text);
    if (match === null) {
      throw fail(
        `"${text.slice(0, 40)}" is neither SET VARIABLE nor SELECT`,
        start,
        'a policy is SET VARIABLE statements, then one SELECT over the table signals',
      );
    }
    const [, variable, value] = match;
    if (!LITERAL.test(value)) {
      throw fail(
        `variable ${variable} is set to something that is no literal`,
        start,
        "write a number, a 'string', true, false, or a list of these",
      );
    }
    if (variables.some((other) => other.name === variable)) {
      throw fail(`variable ${variable} is set twice`, start, 'set each variable once');
    }
    variables.push({ name: variable, value, doc: statement.trailingComment });
  }
  if (select === undefined) {
    throw fail('there is no SELECT statement', sql.length, 'end with SELECT ordinal, ... FROM signals');
  }
  return {
    description: leadingComment(tokens),
    variables,
    select: select
      .map((token) => token.text)
      .join('')
      .trim(),
    rules: ruleNames(select, fail),
  };
}

/**
 * The literal that an override puts in the place of `variable.value`: of the same kind, written without quotes; the
 * items of a list are separated by commas.
 * @throws TokenmillError POLICY_INVALID where the text is of another kind
 */
export function overrideLiteral(name: string, variable: PolicyVariable, text: string): string {
  const literal = variable.value.startsWith('[')
    ? listLiteral(variable.value, text)
    : scalarLiteral(variable.value, text.trim());
  if (literal !== undefined) return literal;
  throw new TokenmillError('POLICY_INVALID', `policy ${name}: "${text}" cannot stand for ${variable.name}`, {
    hint: `${variable.name} is ${variable.value} in the policy: give a value of that kind`,
  });
}

function listLiteral(model: string, text: string): string | undefined {
  const first = tokenize(model).find((token) => !/^[[\s]/.test(token.text)) as Token;
  const items = text.split(',').map((item) => scalarLiteral(first.text, item.trim()));
  return items.includes(undefined) ? undefined : `[${items.join(', ')}]`;
}

function scalarLiteral(model: string, text: string): string | undefined {
  if (model.startsWith("'")) return `'${text.replaceAll("'", "''")}'`;
  if (/^(true|false)$/i.test(model)) return /^(true|false)$/i.test(text) ? text : undefined;
  return new RegExp(`^${NUMBER}$`).test(text) ? text : undefined;
}

function tokenize(sql: string): Token[] {
  const tokens: Token[] = [];
  for (const match of sql.matchAll(TOKEN)) {
    const text = match[0];
    const isComment = text.startsWith('--') || (text.startsWith('/*') && text.length > 1);
    const isQuoted = text.length > 1 && /^['"$]/.test(text);
    const kind = isComment
      ? 'comment'
      : isQuoted
        ? 'quoted'
        : /^[\p{L}\p{N}_]/u.test(text)
          ? 'word'
          : 'other';
    tokens.push({ kind, text, start: match.index });
  }
  return tokens;
}

/** Statements without their semicolons, and the comment that stands on the line where each ends. */
function splitStatements(tokens: readonly Token[]): { tokens: Token[]; trailingComment: string }[] {
  const statements: { tokens: Token[]; trailingComment: string }[] = [];
  let current: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i].kind !== 'other' || tokens[i].text !== ';') {
      current.push(tokens[i]);
      continue;
    }
    let next = i + 1;
    while (next < tokens.length && /^[ \t]$/.test(tokens[next].text)) next += 1;
    const comment = tokens[next]?.kind === 'comment' ? tokens[next] : undefined;
    statements.push({ tokens: current, trailingComment: comment === undefined ? '' : commentText(comment) });
    current = [];
    if (comment !== undefined) i = next;
  }
  statements.push({ tokens: current, trailingComment: '' });
  return statements;
}

function commentText({ text }: Token): string {
  return text.startsWith('--') ? text.slice(2).trim() : text.slice(2, -2).trim();
}

function leadingComment(tokens: readonly Token[]): string {
  const lines: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'comment') lines.push(commentText(token));
    else if (token.text.trim() !== '') break;
  }
  return lines.join('\n');
}

/** The names behind AS in the select list, whose first item is `ordinal`. */
function ruleNames(
  select: readonly Token[],
  fail: (message: string, offset: number, hint: string) => TokenmillError,
): string[] {
  const code = select.filter((token) => token.kind !== 'comment' && token.text.trim() !== '');
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of code.slice(1)) {
    if (depth === 0 && token.kind === 'word' && token.text.toLowerCase() === 'from') break;
    if ('([{'.includes(token.text)) depth += 1;
    if (')]}'.includes(token.text)) depth -= 1;
    if (depth === 0 && token.text === ',') items.push([]);
    else (items.at(-1) as Token[]).push(token);
  }
  const [first, ...rest] = items;
  if (first.map(({ text }) => text).join('') !== 'ordinal') {
    throw fail(
      'the first column is not ordinal',
      code[0].start,
      'write SELECT ordinal, rules ... FROM signals',
    );
  }
  const names: string[] = [];
  for (const item of rest) {
    const [keyword, name] = item.slice(-2);
    if (name === undefined || keyword.text.toLowerCase() !== 'as' || !RULE_NAME.test(name.text)) {
      throw fail(
        `column ${names.length + 2} has no name for its rule`,
        (item[0] ?? code[0]).start,
        'end each column with AS and a name of lower-case letters, digits and underscores',
      );
    }
    if (names.includes(name.text) || name.text === 'ordinal') {
      throw fail(`there are two columns ${name.text}`, name.start, 'give each rule its own name');
    }
    names.push(name.text);
  }
  return names;
}
