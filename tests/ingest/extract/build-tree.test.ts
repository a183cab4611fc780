import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildTree as buildFromUtf8,
  MAX_DEPTH,
  MAX_ELEMENTS,
} from '../../../src/ingest/extract/build-tree.js';
import { extractMainText } from '../../../src/ingest/extract/extract.js';
import type { PageElement, PageTree } from '../../../src/ingest/extract/page-tree.js';

const buildTree = (html: string): PageTree => buildFromUtf8(Buffer.from(html));

/** Blocks as `tag>tag: text`. */
function outline(html: string): string[] {
  return buildTree(html).blocks.map(({ text, element }) => {
    const path: string[] = [];
    for (let open: PageElement | undefined = element; open?.parent !== undefined; open = open.parent)
      path.unshift(open.tag.name);
    return `${path.join('>')}: ${text}`;
  });
}

describe('elements that end by themselves (HTML Standard, optional tags)', () => {
  it.each([
    ['<p>a<p>b', ['p: a', 'p: b']],
    ['<p>a<div>b</div>c', ['p: a', 'div: b', ': c']],
    [
      '<ul><li>a<li>b<ul><li>c</ul>d<li>e</ul>f',
      ['ul>li: a', 'ul>li: b', 'ul>li>ul>li: c', 'ul>li: d', 'ul>li: e', ': f'],
    ],
    ['<dl><dt>a<dd>b<dt>c</dl>', ['dl>dt: a', 'dl>dd: b', 'dl>dt: c']],
    [
      '<table><tr><td>a<td>b<tr><th>c</table>d',
      ['table>tr>td: a', 'table>tr>td: b', 'table>tr>th: c', ': d'],
    ],
    [
      '<table><tr><td>a<table><tr><td>b</table>c<td>d</table>',
      ['table>tr>td: a', 'table>tr>td>table>tr>td: b', 'table>tr>td: c', 'table>tr>td: d'],
    ],
  ])('%s', (html, blocks) => {
    expect(outline(html)).toEqual(blocks);
  });
});

describe('mistakes of authors', () => {
  it.each([
    ['<div><b>a</div>b</b>c', ['div: a', ': bc']],
    ['<div><p>a</span></div></div>b', ['div>p: a', ': b']],
    ['<table><tr><td>a</div>b</td></tr></table>c', ['table>tr>td: a', 'table>tr>td: b', ': c']],
    ['<i><div>a</i>b</div>', ['div: ab']],
    ['a</p>b<br/>c</br>d', [': a', ': b\nc\nd']],
    ['<p>a<script>x</p>', ['p: a']],
    ['<DIV CLASS=x>a</Div>b', ['div: a', ': b']],
    ['<div/>a</div>b', ['div: a', ': b']],
  ])('%s', (html, blocks) => {
    expect(outline(html)).toEqual(blocks);
  });

  it('a link in a link ends the first', () => {
    const [block] = buildTree('<p><a href="x">aa<a href="y">bb</a>cccc</p>').blocks;
    expect(block.text).toBe('aabbcccc');
    expect(block.linkShare).toBe(0.5);
  });
});

describe('pages made to break parsers', () => {
  const N = 6000;
  const REPEATED: readonly (readonly [name: string, page: (n: number) => string])[] = [
    ['nested blocks', (n) => `${'<div>'.repeat(n)}text`],
    ['nested inline elements', (n) => `${'<b>'.repeat(n)}text${'</i>'.repeat(n)}`],
    ['ends of others', (n) => `${'<div>'.repeat(n)}text${'</section></p></b>'.repeat(n)}`],
    ['ends that do not reach', (n) => `<p>${'<b>'.repeat(600)}${'<td></p>'.repeat(n)}text`],
    ['nested lists', (n) => `${'<ul><li>'.repeat(n)}text`],
    ['items in deep elements', (n) => `<ul><li>${'<b>'.repeat(600)}${'<li>'.repeat(n)}text`],
    ['nested tables', (n) => `${'<table><tr><td>'.repeat(n)}text`],
    ['rows in deep elements', (n) => `<table>${'<b>'.repeat(600)}${'<tr>'.repeat(n)}text`],
    ['nested links', (n) => `${'<a href=x>'.repeat(n)}text`],
    ['nested quotes', (n) => `${'<blockquote>'.repeat(n)}text`],
    ['ends without beginnings', (n) => `${'</div></p></td>'.repeat(n)}text`],
    ['paragraphs in deep elements', (n) => `${'<div>'.repeat(600)}${'<p>x '.repeat(n)}text`],
    ['hidden in hidden', (n) => `<p>text</p>${'<div hidden>'.repeat(n)}x`],
    ['comments in comments', (n) => `<p>text</p>${'<div class=comments>'.repeat(n)}x`],
    ['figures of tables', (n) => `<p>text</p>${'<figure><table>'.repeat(n)}x`],
  ];

  it.each(REPEATED)('%s: twice the page is about twice the work', (_, page) => {
    const [once, twice] = [N / 2, N].map((n) => buildTree(page(n)));
    // Up to MAX_DEPTH elements are looked at for a tag, whatever is open.
    expect(twice.steps).toBeLessThanOrEqual(2.1 * once.steps + MAX_DEPTH);
    expect(twice.steps).toBeLessThanOrEqual(N * 3 * MAX_DEPTH);
    for (const form of ['text', 'markdown'] as const) {
      expect(extractMainText(Buffer.from(page(2000)), { form, comments: true }).text).toContain('text');
    }
  });

  it.each([
    ['an attribute of 10 MB', `<p class="${'x '.repeat(5_000_000)}">text</p>`],
    ['200,000 attributes', `<p ${'a=b '.repeat(200_000)}>text</p>`],
    ['200,000 names', `<p class="${'related '.repeat(200_000)}">text</p>`],
    [
      '100,000 different names',
      `<p class="${Array.from({ length: 100_000 }, (_, i) => `n${i}`).join(' ')}">text</p>`,
    ],
    ['200,000 half tags', `${'<'.repeat(200_000)} text`],
    ['half comments', `<p>text</p>${'<!--'.repeat(N)}`],
    ['comments that end strangely', `${'<!-- x --!>'.repeat(N)}text`],
    ['whole comments', `${'<!-- x -->'.repeat(N)}text`],
    ['half ends of a script', `<p>text</p><script>${'</scrip'.repeat(N)}`],
    ['scripts in a script', `<p>text</p><script>${'<!--<script>'.repeat(N)}`],
    ['half CDATA sections', `<p>text</p>${'<![CDATA['.repeat(N)}`],
    ['references', `${'&amp;'.repeat(N)}text`],
    ['references without names', `${'&'.repeat(N)} text`],
    [
      'references that end nowhere',
      `text &${'a'.repeat(200_000)} &#${'1'.repeat(200_000)} ${'&#x'.repeat(N)}`,
    ],
    ['a reference for each name', `text ${Array.from({ length: N }, (_, i) => `&n${i};`).join('')}`],
    ['an open attribute', `<p>text</p><p class="${'x'.repeat(200_000)}`],
    ['an open comment', `<p>text</p><!-- ${'x'.repeat(200_000)}`],
    ['a style that is nearly hiding', `<p style="${'display:'.repeat(100_000)}">text</p>`],
    ['marks that are no references of marks', `text${'\u0001\u0008'.repeat(N)}`],
  ])('%s', (_, html) => {
    for (const form of ['text', 'markdown'] as const)
      expect(extractMainText(Buffer.from(html), { form }).text).toContain('text');
  });

  it('are held within the caps', () => {
    expect(Math.max(...buildTree('<div>'.repeat(5000)).elements.map(({ depth }) => depth))).toBe(MAX_DEPTH);
    expect(buildTree('<p>x'.repeat(MAX_ELEMENTS + 100)).elements.length).toBe(MAX_ELEMENTS);
  });
});

describe('any markup', () => {
  const part = fc.constantFrom(
    '<div class="post">',
    '</div>',
    '<p>',
    '</p>',
    '<a href="x">',
    '</a>',
    '<ul>',
    '<li>',
    '</ul>',
    '<table>',
    '<tr>',
    '<td>',
    '</td>',
    '</table>',
    '<b>',
    '</b>',
    '<br>',
    '<h2>',
    '</h2>',
    '<pre>',
    '</pre>',
    '<script>',
    '</script>',
    '<!--',
    '-->',
    '&amp;',
    '&#xe9;',
    '&#128512;',
    'word ',
    'naïve ',
    '日本語 ',
    '\u00a0',
    '<svg>',
    '</svg>',
    '<p hidden>',
    '"',
    '<',
    '\n',
  );

  it('has elements that are nested ranges of blocks', () => {
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 80 }).map((parts) => parts.join('')),
        (html) => {
          const { elements, blocks } = buildTree(html);
          for (const { parent, firstBlock, endBlock } of elements) {
            expect(firstBlock).toBeLessThanOrEqual(endBlock);
            expect(endBlock).toBeLessThanOrEqual(parent?.endBlock ?? blocks.length);
            expect(firstBlock).toBeGreaterThanOrEqual(parent?.firstBlock ?? 0);
          }
          blocks.forEach(({ element }, index) => {
            expect(index >= element.firstBlock && index < element.endBlock).toBe(true);
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});
