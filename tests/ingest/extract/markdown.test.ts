/** Small pages with their whole Markdown, worked out by hand from CommonMark 0.31 and GitHub's tables. */
import { describe, expect, it } from 'vitest';
import { extractMainText } from '../../../src/ingest/extract/extract.js';

const P1 = 'The harbor and the old bridge have been there for as long as anyone in the village can remember.';
const P2 =
  'In winter the water freezes between the piers, and the children walk over to the island and back again.';

function markdownOf(content: string, links = false, url?: string): string {
  const html = Buffer.from(`<article><p>${P1}</p>${content}<p>${P2}</p></article>`);
  const { text } = extractMainText(html, { form: 'markdown', links, url });
  expect(text.startsWith(`${P1}\n\n`)).toBe(true);
  expect(text.endsWith(`\n\n${P2}`)).toBe(true);
  return text.slice(P1.length + 2, -P2.length - 2);
}

describe('blocks', () => {
  it.each([
    ['headings', `<h2>Part <i>one</i></h2><p>${P1}</p><h4>Deep</h4>`, `## Part *one*\n\n${P1}\n\n#### Deep`],
    [
      'line breaks',
      `<p>One line of it,<br>another line, and<br><br>a third.</p>`,
      'One line of it,\\\nanother line, and\\\na third.',
    ],
    ['a list', '<ul><li>One</li><li>Two</li></ul>', '- One\n- Two'],
    ['a numbered list', '<ol><li>One</li><li>Two</li></ol>', '1. One\n2. Two'],
    [
      'numbers of two digits',
      `<ol>${'<li>x</li>'.repeat(9)}<li>a<ul><li>b</li></ul></li></ol>`,
      `${Array.from({ length: 9 }, (_, i) => `${i + 1}. x\n`).join('')}10. a\n    - b`,
    ],
    [
      'lists in lists',
      '<ul><li>a<ol><li>b<ul><li>c</li></ul></li><li>d</li></ol></li><li>e</li></ul>',
      '- a\n  1. b\n     - c\n  2. d\n- e',
    ],
    ['paragraphs in an item', '<ul><li><p>a</p><p>b</p></li><li>c</li></ul>', '- a\n\n  b\n- c'],
    [
      'two lists',
      '<ul><li>a</li></ul><p>Between the lists.</p><ul><li>b</li></ul>',
      '- a\n\nBetween the lists.\n\n- b',
    ],
    ['a quote', '<blockquote><p>One.</p><p>Two.</p></blockquote>', '> One.\n>\n> Two.'],
    [
      'a quote in a quote',
      '<blockquote>One.<blockquote>Two.</blockquote>Three.</blockquote>',
      '> One.\n>\n> > Two.\n>\n> Three.',
    ],
    [
      'a list in a quote',
      '<blockquote>One:<ul><li>a</li><li>b</li></ul></blockquote>',
      '> One:\n>\n> - a\n> - b',
    ],
    ['code', '<pre>if (x) {\n\n  y();\n}\n</pre>', '```\nif (x) {\n\n  y();\n}\n```'],
    [
      'code with a language',
      '<pre><code class="hl language-ts">let <b>x</b>;</code></pre>',
      '```ts\nlet x;\n```',
    ],
    ['code with a fence', '<pre>```\nx\n```</pre>', '````\n```\nx\n```\n````'],
    ['code in an item', '<ol><li>Do:<pre>a\nb</pre></li></ol>', '1. Do:\n\n   ```\n   a\n   b\n   ```'],
    [
      'a table',
      '<table><tr><th>Name<th>Year</tr><tr><td>Anna<td>1901<tr><td>B|C<td></table>',
      '| Name | Year |\n| --- | --- |\n| Anna | 1901 |\n| B\\|C |  |',
    ],
    [
      'an empty cell',
      '<table><tr><th></th><th>A</th><th>B</th></tr><tr><td>x</td><td></td><td>y</td></tr></table>',
      '|  | A | B |\n| --- | --- | --- |\n| x |  | y |',
    ],
    [
      'a table of one column, which is layout',
      '<table><tr><td>One thing there is.</td></tr><tr><td>Another one.</td></tr></table>',
      'One thing there is.\n\nAnother one.',
    ],
    ['terms', '<dl><dt>Pier</dt><dd>Where ships land.</dd></dl>', 'Pier\n\nWhere ships land.'],
  ])('%s', (_, html, markdown) => {
    expect(markdownOf(html)).toBe(markdown);
  });
});

describe('within a line', () => {
  it.each([
    [
      '<p>It is <b>very</b> <em>old</em>, <code>so()</code> they say.</p>',
      'It is **very** *old*, `so()` they say.',
    ],
    ['<p>It is <b> very </b>old, they say.</p>', 'It is **very** old, they say.'],
    [
      '<p>It is <b></b>old, <strong><b>very</b> old</strong>, they say.</p>',
      'It is old, **very old**, they say.',
    ],
    [
      '<p>Type <kbd>a`b</kbd> and <code>x <b>y</b></code> here, please.</p>',
      'Type `` a`b `` and `x y` here, please.',
    ],
    [
      '<p>One <b>mark <i>in</b> another</i> of them, as it goes.</p>',
      'One **mark *in*** another of them, as it goes.',
    ],
    [
      '<div>A block <b>of text<p>that ends in the middle</p></b></div>',
      'A block of text\n\nthat ends in the middle',
    ],
    ['<p>Some *stars* and _lines_ stay as they are.</p>', 'Some *stars* and _lines_ stay as they are.'],
    ['<p># No heading, whatever it looks like.</p>', '\\# No heading, whatever it looks like.'],
    ['<p>1. No item, whatever it looks like.</p>', '1\\. No item, whatever it looks like.'],
    [
      '<p>- No item<br>&gt; no quote, whatever it looks like.</p>',
      '\\- No item\\\n\\> no quote, whatever it looks like.',
    ],
    [
      '<p>#1 and -5 and 1.5 are as they are, at any place.</p>',
      '#1 and -5 and 1.5 are as they are, at any place.',
    ],
  ])('%s', (html, markdown) => {
    expect(markdownOf(html)).toBe(markdown);
  });
});

describe('links', () => {
  const page = `<p>See <a href="/b?x=(1) 2">the <b>old</b> bridge</a>, which was built before anyone was there.</p>`;

  it('are their texts', () => {
    expect(markdownOf(page)).toBe('See the **old** bridge, which was built before anyone was there.');
  });

  it('have their addresses where that is asked for, relative to the page', () => {
    const text = (address: string): string =>
      `See [the **old** bridge](${address}), which was built before anyone was there.`;
    expect(markdownOf(page, true, 'https://example.com/a/')).toBe(
      text('https://example.com/b?x=%281%29%202'),
    );
    expect(markdownOf(page, true)).toBe(text('/b?x=%281%29%202'));
  });

  it.each(['javascript:x()', '#part', '', 'data:text/html,x', 'http://['])('none to %j', (address) => {
    const link = `<p>See <a href="${address}">the bridge</a>, which was built before anyone was there.</p>`;
    expect(markdownOf(link, true, 'https://example.com/')).toBe(
      'See the bridge, which was built before anyone was there.',
    );
  });

  it('are those of their texts, whatever was left out before them', () => {
    const item = (name: string): string => `<li><a href="/${name}"></a></li>`;
    const link = `<nav><a href="/x">Home</a></nav><ul>${item('1')}${item('2')}</ul><p>The <a href="/old">old</a> and the <a href="/new">new</a> bridge stand side by side.</p>`;
    expect(markdownOf(link, true)).toBe('The [old](/old) and the [new](/new) bridge stand side by side.');
  });
});
