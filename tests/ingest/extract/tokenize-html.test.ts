/** Tokens of any markup against parse5, which passes the tests of the HTML Standard's authors. */
import fc from 'fast-check';
import { Tokenizer, TokenizerMode, type Token, type TokenHandler } from 'parse5';
import { decodeHTML } from 'entities';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTE, type AttributeName, type Attributes } from '../../../src/ingest/extract/attributes.js';
import { knownTag, type Tag } from '../../../src/ingest/extract/tags.js';
import { tokenizeHtml, type TokenSink } from '../../../src/ingest/extract/tokenize-html.js';

/** `<tag name=value>`, `</tag>` and runs of text. */
type Event = string;

const NAMES = Object.keys(ATTRIBUTE) as AttributeName[];

function ours(html: string): Event[] {
  const bytes = Buffer.from(html);
  const events: Event[] = [];
  const addText = (text: string): void => {
    if (text === '') return;
    if (events.at(-1)?.startsWith('"') === true) events[events.length - 1] += text;
    else events.push(`"${text}`);
  };
  const sink: TokenSink = {
    startTag(tag: Tag, attributes: Attributes): void {
      const list = NAMES.filter((name) => attributes.has(name)).map(
        (name) => `${name}=${attributes.text(name)}`,
      );
      events.push(`<${[tag.name, ...list].join(' ')}>`);
    },
    endTag(tag: Tag): void {
      events.push(`</${tag.name}>`);
    },
    text(start, end): void {
      addText(decodeHTML(bytes.toString('utf8', start, end)));
    },
    content(tag, start, end): void {
      const text = bytes.toString('utf8', start, end);
      addText(tag.content === 'text' ? decodeHTML(text) : text);
    },
    isForeign: () => false,
  };
  tokenizeHtml(bytes, sink);
  return events;
}

const MODES: Readonly<Record<string, (typeof TokenizerMode)[keyof typeof TokenizerMode]>> = {
  title: TokenizerMode.RCDATA,
  textarea: TokenizerMode.RCDATA,
  style: TokenizerMode.RAWTEXT,
  xmp: TokenizerMode.RAWTEXT,
  script: TokenizerMode.SCRIPT_DATA,
};

function parse5(html: string): Event[] {
  const events: Event[] = [];
  const addText = ({ chars }: Token.CharacterToken): void => {
    if (events.at(-1)?.startsWith('"') === true) events[events.length - 1] += chars;
    else events.push(`"${chars}`);
  };
  const nameOf = (name: string): string =>
    knownTag(name) === undefined ? (name.includes('-') ? '-custom' : '-unknown') : name;
  const handler: TokenHandler = {
    onComment() {},
    onDoctype() {},
    onEof() {},
    onStartTag(token) {
      const list = NAMES.flatMap((name) => {
        const found = token.attrs.find((attribute) => attribute.name === name);
        return found === undefined ? [] : [`${name}=${found.value}`];
      });
      events.push(`<${[nameOf(token.tagName), ...list].join(' ')}>`);
      const mode = MODES[token.tagName];
      if (mode !== undefined) tokenizer.state = mode;
    },
    onEndTag(token) {
      events.push(`</${nameOf(token.tagName)}>`);
    },
    onCharacter: addText,
    onNullCharacter: addText,
    onWhitespaceCharacter: addText,
  };
  const tokenizer = new Tokenizer({ sourceCodeLocationInfo: false }, handler);
  tokenizer.write(html, true);
  return events;
}

const PIECES = [
  '<p>',
  '</p>',
  '<P CLASS=A>',
  "<a href='x' href=y>",
  '<a href="x&amp;y&ampz&copy=1">',
  '<div id=a class="b c" hidden>',
  '<br/>',
  '<my-tag lang=de>',
  '<o:p>',
  '</',
  '</>',
  '</ x>',
  '<',
  '< p>',
  '<p',
  '<p class',
  '<p class=',
  '<p class="',
  '"',
  "'",
  '=',
  '>',
  '/',
  '<p =class=x id>',
  '<p/class=a/id=b>',
  '<p class = "x" >',
  '<p class=a"b>',
  '<!-- c -->',
  '<!-->',
  '<!--->',
  '<!-- a --!>',
  '<!--',
  '--',
  '-->',
  '<!doctype html>',
  '<!DOCTYPE "a>b">',
  '<![CDATA[x]]>',
  '<?xml a?>',
  '<!x>',
  '<script>',
  '</script>',
  '</SCRIPT >',
  '<!--<script>',
  'a<b',
  '<style>',
  '</style>',
  '</styles>',
  '<title>',
  '</title>',
  '<textarea>',
  '</textarea/>',
  '<xmp>',
  '</xmp>',
  '&amp;',
  '&amp',
  '&notit;',
  '&#65;',
  '&#x41',
  '&#128;',
  '&#0;',
  '&#x110000;',
  '&nosuch;',
  '&',
  'é',
  '日',
  '😀',
  ' ',
  '\n',
  'text',
  'x',
];

describe('tokenizeHtml', () => {
  it('finds the tokens that the HTML Standard has, in any markup', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 24 }), (parts) => {
        const html = parts.join('');
        expect(ours(html)).toEqual(parse5(html));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['<p>a', ['<p>', '"a']],
    ['<p a', []],
    ['a<', ['"a<']],
    ['<script><!--<script></script>a</script>b', ['<script>', '"<!--<script></script>a', '</script>', '"b']],
    ['<script><!--<script>--></script>b', ['<script>', '"<!--<script>-->', '</script>', '"b']],
    ['<title>a&amp;<b></title>', ['<title>', '"a&<b>', '</title>']],
  ])('%s', (html, events) => {
    expect(ours(html)).toEqual(events);
    expect(parse5(html)).toEqual(events);
  });
});
