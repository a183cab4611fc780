/** The media type of an answer, out of the Accept header (RFC 9110, section 12.5.1). */
import { TokenmillError } from '../core/errors.js';

interface Range {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
}

/** Parts of a header that are looked at; nobody lists more. */
const MAX_RANGES = 50;

/**
 * The offered type that the client likes best; of equals the one offered first. No header is any type.
 * @param offered in order of our own preference
 * @throws TokenmillError NOT_ACCEPTABLE
 */
export function negotiate<Type extends string>(accept: string | undefined, offered: readonly Type[]): Type {
  if (accept === undefined || accept.trim() === '') return offered[0];
  const ranges = accept.split(',').slice(0, MAX_RANGES).flatMap(parseRange);
  let best: Type | undefined;
  let bestQuality = 0;
  for (const type of offered) {
    const quality = qualityOf(type, ranges);
    if (quality <= bestQuality) continue;
    best = type;
    bestQuality = quality;
  }
  if (best !== undefined) return best;
  throw new TokenmillError(
    'NOT_ACCEPTABLE',
    `there is no answer of type ${JSON.stringify(accept.slice(0, 200))}`,
    {
      hint: `the types are ${offered.join(', ')}`,
    },
  );
}

function parseRange(text: string): Range[] {
  const [name, ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const match = /^([^\s/]+)\/([^\s/]+)$/.exec(name);
  if (match === null) return [];
  const weight = parameters
    .map((part) => /^q\s*=\s*(\d(?:\.\d{0,3})?)$/.exec(part))
    .find((found) => found !== null);
  return [
    { type: match[1], subtype: match[2], quality: weight === undefined ? 1 : Math.min(1, Number(weight[1])) },
  ];
}

/** By the most specific range that fits; 0 where none does. */
function qualityOf(offered: string, ranges: readonly Range[]): number {
  const [type, subtype] = offered.split('/');
  const exact = ranges.find((range) => range.type === type && range.subtype === subtype);
  const kind = ranges.find((range) => range.type === type && range.subtype === '*');
  const any = ranges.find((range) => range.type === '*' && range.subtype === '*');
  return (exact ?? kind ?? any)?.quality ?? 0;
}
