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
  const N = 100_000;

  it.each([
    ['nested blocks', `${'<div>'.repeat(N)}text`],
    ['nested inline elements', `${'<b>'.repeat(N)}text${'</i>'.repeat(N)}`],
    ['nested blocks with ends of others', `${'<div>'.repeat(N)}text${'</section></p></b>'.repeat(N)}`],
    ['nested lists', `${'<ul><li>'.repeat(N)}text`],
    ['nested tables', `${'<table><tr><td>'.repeat(N)}text`],
    ['nested links', `${'<a href=x>'.repeat(N)}text`],
    ['ends without beginnings', `${'</div></p></td>'.repeat(N)}text`],
    ['an attribute of 10 MB', `<p class="${'x '.repeat(5_000_000)}">text</p>`],
    ['a million attributes', `<p ${'a=b '.repeat(1_000_000)}>text</p>`],
    ['a million names', `<p class="${'related '.repeat(1_000_000)}">text</p>`],
    ['character references', `${'&amp;'.repeat(N)}text`],
    ['an open attribute', `<p>text</p><p class="${'x'.repeat(N)}`],
    ['an open comment', `<p>text</p><!-- ${'x'.repeat(N)}`],
    ['half tags', `${'<'.repeat(N)} text`],
  ])('%s', { timeout: 20_000 }, (_, html) => {
    expect(extractMainText(Buffer.from(html)).text).toContain('text');
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
