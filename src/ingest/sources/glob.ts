/**
 * Glob patterns over paths with forward slashes: `*` and `?` within a name, `**` over any number of folders,
 * `[abc]`, `[a-z]` and `[!a]`. A name that begins with a dot matches only a pattern that does.
 */
import { TokenmillError } from '../../core/errors.js';

const MAGIC = /[*?[]/;

export function isGlob(pattern: string): boolean {
  return MAGIC.test(pattern);
}

/** The longest folder of a pattern that has no magic in it (`''` for none), and the segments that follow. */
export function splitGlob(pattern: string): { base: string; segments: string[] } {
  const segments = pattern.split('/');
  const first = segments.findIndex(isGlob);
  return { base: segments.slice(0, first).join('/'), segments: segments.slice(first) };
}

/** Whether one name matches one segment (not `**`). @throws TokenmillError USAGE where the segment is no pattern */
export function matchSegment(segment: string, name: string): boolean {
  if (name.startsWith('.') && !segment.startsWith('.')) return false;
  return compileSegment(segment).test(name);
}

const compiled = new Map<string, RegExp>();

function compileSegment(segment: string): RegExp {
  let expression = compiled.get(segment);
  if (expression === undefined) {
    let source = '';
    for (let i = 0; i < segment.length; i++) {
      const character = segment[i];
      const end = character === '[' ? segment.indexOf(']', i + 2) : -1;
      // Runs of stars are one star: `a**********b` must not take exponential time.
      if (character === '*') source += segment[i - 1] === '*' ? '' : '.*';
      else if (character === '?') source += '.';
      else if (end > 0) {
        source += characterClass(segment.slice(i + 1, end));
        i = end;
      } else source += character.replace(/[\\^$.|+(){}[\]]/, '\\$&');
    }
    try {
      expression = new RegExp(`^${source}$`, 'su');
    } catch (error) {
      throw new TokenmillError('USAGE', `${segment} is not a pattern: a range in [ ] runs backwards`, {
        cause: error,
      });
    }
    compiled.set(segment, expression);
  }
  return expression;
}

function characterClass(content: string): string {
  const negated = /^[!^]/.test(content);
  const escaped = content.slice(negated ? 1 : 0).replace(/[\\\]^[]/g, '\\$&');
  return `[${negated ? '^' : ''}${escaped}]`;
}
