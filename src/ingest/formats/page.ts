/** Bytes of an HTML page or a plain text -> text, and what the page says of itself. */
import { extractMainText } from '../extract/extract.js';
import { robotsDirectives } from '../extract/robots.js';
import { DEFAULT_READING, type ReadingConfig } from '../reading.js';
import type { PageInfo } from '../records.js';
import { decodeToUtf8, detectEncoding } from './charset.js';
import { decodeAs } from './encodings.js';
import { repairMojibake } from './mojibake.js';

export interface Page {
  readonly text: string;
  readonly title: string | null;
  readonly language: string | null;
  readonly date: string | null;
  readonly charset: string;
  /** Undefined for a plain text. */
  readonly page?: PageInfo;
}

export interface PageOptions {
  /** Address of the page: for its date where it does not tell one, and for relative addresses in it. */
  readonly url?: string | undefined;
  /** Label of the HTTP header, where there is one. */
  readonly charset?: string | undefined;
  /** X-Robots-Tag of the HTTP header, a line for each field of that name. */
  readonly robots?: string | undefined;
  readonly reading?: ReadingConfig;
}

/** Publishing systems put the date into the address: `/2019/07/31/title`. */
const DATE_IN_URL = /\/((?:19|20)\d\d)[/-](0[1-9]|1[0-2])(?:[/-](0[1-9]|[12]\d|3[01]))?(?:\/|-|$)/;

/** The text is as the page has it: normalisation is for whoever takes it, but for what extraction would destroy. */
export function extractPage(bytes: Uint8Array, options: PageOptions = {}): Page {
  const { url, reading = DEFAULT_READING } = options;
  const { encoding: charset, utf8 } = decodeToUtf8(bytes, options.charset, true);
  // Extraction takes out soft hyphens and no-break spaces, which are halves of spoilt letters.
  const html = reading.normalize.includes('mojibake') ? Buffer.from(repairMojibake(utf8.toString())) : utf8;
  const { text, title, language, ...page } = extractMainText(html, {
    form: reading.extract,
    links: reading.links,
    comments: reading.comments,
    url,
  });
  const inUrl = DATE_IN_URL.exec(url ?? '')
    ?.slice(1)
    .filter((part) => part !== undefined)
    .join('-');
  return {
    text,
    title,
    language,
    date: page.published ?? inUrl ?? null,
    charset,
    page: {
      ...page,
      canonicalUrl: absoluteUrl(page.canonicalUrl, url),
      robots: robotsDirectives(page.robots, ...(options.robots?.split('\n') ?? [])),
    },
  };
}

/** Null where there is none that one could follow. */
function absoluteUrl(address: string | null, base: string | undefined): string | null {
  if (address === null || !(URL.canParse(address) || URL.canParse(address, base))) return null;
  const { href, protocol } = new URL(address, base);
  return protocol === 'http:' || protocol === 'https:' ? href : null;
}

/** A plain text: all of it. */
export function readPlainText(bytes: Uint8Array, options: { charset?: string } = {}): Page {
  const charset = detectEncoding(bytes, options.charset, false);
  return { text: decodeAs(bytes, charset), title: null, language: null, date: null, charset };
}
