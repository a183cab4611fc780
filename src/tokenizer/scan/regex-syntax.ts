/**
 * Translates a pre-tokenization pattern from the syntax of Rust's `regex` and of Oniguruma, in which tokenizer.json files
 * are written, to a JavaScript regular expression with the flag `u`.
 *
 * Translated: `\s \d \w` and their negations to Unicode properties (JavaScript's \s has U+FEFF and lacks U+0085), inline
 * groups `(?i:...)` to both cases of each letter, possessive quantifiers and atomic groups to a lookahead with a back
 * reference, `\A \z \Z` to anchors, and escapes that the flag `u` forbids. Character properties come from the running
 * Node, so a pattern without its own scanner may see characters that a later version of Unicode assigns.
 */
import { TokenmillError } from '../../core/errors.js';

const CLASS_ESCAPES: Readonly<Record<string, string>> = {
  s: '\\p{White_Space}',
  S: '\\P{White_Space}',
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d',
  h: '0-9a-fA-F',
};

const ANCHORS: Readonly<Record<string, string>> = { A: '^', z: '$', Z: '(?=\\n?$)' };

/** Letters with more than two members in their simple case folding. */
const FOLDED: Readonly<Record<string, string>> = { s: 'sS\\u017f', k: 'kK\\u212a' };

/** @throws TokenmillError TOKENIZER_INVALID where JavaScript has no equal expression */
export function compilePattern(source: string): RegExp {
  try {
    return new RegExp(new Translator(source).translate(), 'gu');
  } catch (error) {
    if (error instanceof TokenmillError) throw error;
    throw new TokenmillError(
      'TOKENIZER_INVALID',
      `the pattern cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      { hint: `the pattern is ${JSON.stringify(source)}`, cause: error },
    );
  }
}

class Translator {
  private readonly source: string;
  private position = 0;
  private groups = 0;

  constructor(source: string) {
    this.source = source;
  }

  translate(): string {
    const result = this.alternatives(false);
    if (this.position < this.source.length) this.fail('a parenthesis is not opened');
    return result;
  }

  private fail(what: string): never {
    throw new TokenmillError('TOKENIZER_INVALID', `the pattern cannot be used: ${what}`, {
      hint: `the pattern is ${JSON.stringify(this.source)}, character ${this.position + 1}`,
    });
  }

  /** Everything up to the closing parenthesis of the group, or to the end. */
  private alternatives(fold: boolean): string {
    let result = '';
    while (this.position < this.source.length && this.source[this.position] !== ')') {
      if (this.source[this.position] === '|') {
        this.position += 1;
        result += '|';
      } else {
        const group = this.groups;
        const atom = this.atom(fold);
        result += this.quantified(atom, group);
      }
    }
    return result;
  }

  /** An atom with its quantifier. A possessive one becomes `(?=(...))\N`: what a lookahead matched is never given back. */
  private quantified(atom: string, groupsBefore: number): string {
    const match = /^(?:[*+?]|\{\d*,?\d*\})/.exec(this.source.slice(this.position));
    if (match === null) return atom;
    const quantifier = match[0];
    this.position += quantifier.length;
    const next = this.source[this.position];
    if (next === '?') {
      this.position += 1;
      return `${atom}${quantifier}?`;
    }
    if (next !== '+') return atom + quantifier;
    this.position += 1;
    if (this.groups !== groupsBefore) this.fail('a possessive quantifier on another one');
    return this.atomic(atom + quantifier);
  }

  private atomic(expression: string): string {
    this.groups += 1;
    return `(?:(?=(${expression}))\\${this.groups})`;
  }

  private atom(fold: boolean): string {
    const character = this.source[this.position];
    if (character === '(') return this.group(fold);
    if (character === '[') return this.characterClass(fold);
    if (character === '\\') {
      const anchor = ANCHORS[this.source[this.position + 1]];
      if (anchor !== undefined) {
        this.position += 2;
        return anchor;
      }
      const escape = this.escape(false);
      return escape.isSet ? `[${escape.text}]` : escape.text;
    }
    if (character === '.' || character === '^' || character === '$') {
      this.position += 1;
      return character;
    }
    if (/[*+?]/.test(character)) this.fail('a quantifier without what it repeats');
    const codePoint = String.fromCodePoint(this.source.codePointAt(this.position) as number);
    this.position += codePoint.length;
    return fold ? bothCases(codePoint) : literal(codePoint);
  }

  private group(fold: boolean): string {
    const rest = this.source.slice(this.position);
    const opening = /^\((?:\?(?:[:=!>]|<[=!]|i:|-i:))?/.exec(rest) as RegExpExecArray;
    if (rest[opening[0].length] === '?') this.fail('a kind of group that is not known');
    this.position += opening[0].length;
    const kind = opening[0].slice(1);
    const inner = this.alternatives(kind === '?i:' || (fold && kind !== '?-i:'));
    if (this.source[this.position] !== ')') this.fail('a parenthesis is not closed');
    this.position += 1;
    if (kind === '?>') return this.atomic(inner);
    return kind === '' || kind === '?i:' || kind === '?-i:' ? `(?:${inner})` : `(${kind}${inner})`;
  }

  private characterClass(fold: boolean): string {
    this.position += 1;
    let result = '[';
    if (this.source[this.position] === '^') {
      this.position += 1;
      result += '^';
    }
    for (let first = true; ; first = false) {
      const character = this.source[this.position];
      if (character === undefined) this.fail('a bracket is not closed');
      if (character === ']' && !first) break;
      if (character === '[' || this.source.startsWith('&&', this.position)) {
        this.fail('a class inside a class');
      }
      if (character === '\\') {
        result += this.escape(true).text;
        continue;
      }
      const codePoint = String.fromCodePoint(this.source.codePointAt(this.position) as number);
      this.position += codePoint.length;
      if (codePoint === '-') result += this.source[this.position] === ']' || first ? '\\-' : '-';
      else result += fold ? cases(codePoint) : literal(codePoint);
    }
    this.position += 1;
    return `${result}]`;
  }

  /** An escape; `isSet` where it stands for a list that needs brackets outside of a class. */
  private escape(inClass: boolean): { text: string; isSet: boolean } {
    const rest = this.source.slice(this.position);
    const known =
      /^\\(?:[pP]\{[^}]*\}|[pP][A-Z]|x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[nrtfv])/.exec(rest);
    if (known !== null) {
      this.position += known[0].length;
      const text = known[0]
        .replace(/^\\([pP])([A-Z])$/, '\\$1{$2}')
        .replace(/^\\p\{\^/, '\\P{')
        .replace(/^\\x\{/, '\\u{');
      return { text, isSet: false };
    }
    const character = rest[1];
    if (character === undefined) this.fail('a backslash at the end');
    this.position += 2;
    const set = CLASS_ESCAPES[character];
    if (set !== undefined) return { text: set, isSet: true };
    if (/[0-9A-Za-z]/.test(character)) this.fail(`the escape \\${character}`);
    return { text: inClass && character === '-' ? '\\-' : literal(character), isSet: false };
  }
}

function literal(character: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

function cases(character: string): string {
  const lower = character.toLowerCase();
  const upper = character.toUpperCase();
  if (lower === upper) return literal(character);
  return FOLDED[lower] ?? `${lower}${upper}`;
}

function bothCases(character: string): string {
  const all = cases(character);
  return all.length > character.length && all !== literal(character) ? `[${all}]` : literal(character);
}
