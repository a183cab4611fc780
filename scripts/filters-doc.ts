/**
 * `tsx scripts/filters-doc.ts` writes docs/filters.md: signals, policies and personal data as the code has them. The
 * tests compare the file with what this gives.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../src/core/paths.js';
import { MASK_PROFILES } from '../src/filters/pii/mask.js';
import { PII_KINDS } from '../src/filters/pii/find.js';
import { loadPolicy, policyNames, type Policy } from '../src/filters/policy.js';
import { SIGNAL_FAMILIES } from '../src/filters/signals/index.js';
import { BAD_WORD_LANGUAGES } from '../src/filters/signals/word-lists.js';
import { TRANSFORM_DOCS } from '../src/filters/text-treatment.js';

const FILE = packageFile('docs/filters.md');

export async function filtersDocument(): Promise<string> {
  const policies = await Promise.all((await policyNames()).map((name) => loadPolicy(name)));
  const rows = policies.reduce((sum, { rules }) => sum + rules.length, 0);
  const signals = Object.values(SIGNAL_FAMILIES).reduce((sum, family) => sum + family.signals.length, 0);
  return `# Filters: signals, policies, personal data

<!-- Written by scripts/filters-doc.ts from the code. Change the code, then run it again. -->

Workers measure ${signals} signals of every document, once. A policy, a SQL file in \`sql/policies\`, turns them into a verdict;
another threshold is a query over what is stored (\`tokenmill policy explain\`, \`policy diff\`), not another pass over the crawl.
Policies here have ${rows} rules together.

${WORDS}

## Signals

A ratio whose denominator is zero is 0. Beside these a policy sees \`url\`, \`language\` (ISO 639-1, \`und\`) and \`language_score\`.

${Object.entries(SIGNAL_FAMILIES)
  .map(
    ([name, family]) =>
      `### ${name}\n\n${table(
        ['signal', 'unit', 'definition', 'source'],
        family.signals.map((signal) => [`\`${signal.name}\``, signal.unit, signal.doc, signal.source]),
      )}`,
  )
  .join('\n\n')}

## Policies

Each lists its rules in order; the first that a document breaks is its reason. Every threshold can be changed:
\`--set NAME=VALUE\`.

${policies.map(policySection).join('\n\n')}

## Lines taken out of the kept text

A policy never changes a text. \`tokenmill ingest --transform NAME\` does, after the signals were measured:

${table(
  ['name', 'what'],
  Object.entries(TRANSFORM_DOCS).map(([name, what]) => [`\`${name}\``, what]),
)}

## Personal data

Kinds: ${PII_KINDS.map((kind) => `\`${kind}\``).join(', ')}. They are counted as signals (\`pii_*_count\`) and masked with
\`tokenmill mask\` or \`tokenmill ingest --mask PROFILE[,kind=text...]\`.

${table(
  ['profile', 'kinds', 'addresses', 'phone numbers', 'replacements'],
  Object.entries(MASK_PROFILES).map(([name, { rules, replacements }]) => [
    `\`${name}\``,
    rules.kinds.join(', '),
    rules.publicAddressesOnly ? 'public' : 'all',
    rules.kinds.includes('phone')
      ? `${rules.phone.check}, ${rules.phone.country === undefined ? 'with + and country code' : `also as written in ${rules.phone.country}`}`
      : 'none',
    Object.values(replacements)
      .flatMap((texts) => texts ?? [])
      .map((text) => `\`${text}\``)
      .join(' '),
  ]),
)}

${AGREEMENT}

Lists of obscene words exist for: ${BAD_WORD_LANGUAGES.join(', ')}.
`;
}

const WORDS = `## What a word is

Three definitions, because the published filters have three:

- **words** (\`word_count\` and all signals of Gopher, C4 and FineWeb): after spaCy's English tokenizer, which datatrove uses;
  punctuation marks are words of their own. \`src/filters/scan/words.ts\` has the rules.
- **pieces** (\`piece_count\`, DCLM's quality signals, RedPajama's normal words): what white space separates.
- **Unicode words** (\`unicode_word_count\`, DCLM's repetition): the default word boundaries of UAX #29.

There is no dictionary for scripts without spaces. In words and Unicode words each letter of Han, Hiragana, Thai, Lao, Khmer,
Myanmar and Tibetan is a word with the marks that follow it; Katakana and Hangul are written in runs and stay so. N-grams of
such texts are n-grams of letters, and rules about the length of words do not fit them: use \`multilingual\`.
Character classes are those of the JavaScript engine's version of Unicode.`;

const AGREEMENT = `## Agreement with the reference implementations

\`npm run bench -- filters-agreement\` runs datatrove's own filters in Python beside \`gopher\`, \`gopher-repetition\`, \`c4\` and
\`fineweb\`, words and sentences being ours on both sides, and compares verdict and reason. What
can differ, and why:

- **Language**: FineWeb, RefinedWeb and DCLM identify language with fastText; here it is ELD, whose scores are on another
  scale. The rules of language are the published thresholds on that other scale. The comparison takes all documents
  for English.
- **Words**: datatrove's spaCy has a list of exceptions; 99% of the pieces of 1,013 texts are split as by it.
- **n-grams without spaces**: datatrove joins the words of a 5- to 10-gram without spaces, so that \`ab c\` and \`a bc\` are the
  same; here the words have to be the same.
- **Sentences**: datatrove's spaCy ends a sentence at a mark; so do we, with our words.
- **White space at the ends of a text** is Python's \`str.strip\` there and JavaScript's \`trim\` behind citations here; they
  differ in U+001C to U+001F and U+FEFF.
- **Obscene words** come from the package naughty-words, which has another revision of LDNOOBW than datatrove downloads.
- **dclm** does not take addresses out of the text before it measures, and counts words between white space where DCLM's
  fastText splits at ASCII white space only.`;

function policySection({ name, description, variables, rules, select }: Policy): string {
  const thresholds = table(
    ['threshold', 'value', 'what'],
    variables.map((variable) => [`\`${variable.name}\``, `\`${variable.value}\``, variable.doc]),
  );
  const conditions = ruleConditions(select);
  const list = table(
    ['rule', 'drops where'],
    rules.map((rule) => [`\`${rule}\``, `\`${conditions.get(rule) ?? ''}\``]),
  );
  return [
    `### ${name}`,
    description,
    ...(variables.length === 0 ? [] : [thresholds]),
    ...(rules.length === 0 ? [] : [list]),
  ].join('\n\n');
}

/** Condition of each rule, its thresholds by their names. */
function ruleConditions(select: string): Map<string, string> {
  const flat = select.replaceAll(/\s+/g, ' ');
  return new Map(
    [...flat.matchAll(/drop_if\( ?(.*?), ?[^,]+?\) AS (\w+)/g)].map(([, condition, rule]) => [
      rule,
      condition.replaceAll(/getvariable\('(\w+)'\)/g, '$1'),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(FILE, await filtersDocument());
