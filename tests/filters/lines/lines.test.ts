import { describe, expect, test } from 'vitest';
import { c4CleanedText } from '../../../src/filters/lines/c4-lines.js';
import { refinedWebText } from '../../../src/filters/lines/refinedweb-lines.js';

const strict = (text: string): string => c4CleanedText(text, { terminalPunctuation: true });
const loose = (text: string): string => c4CleanedText(text, { terminalPunctuation: false });

describe("C4's lines", () => {
  test.each([
    ['ends with a full stop', 'One two three.', 'One two three.'],
    ['white space around it goes', '  One two three.\t\r\n', 'One two three.'],
    ['a quotation mark ends it', 'He said "yes, I do"', 'He said "yes, I do"'],
    ['no mark at the end', 'One two three', ''],
    ['an ellipsis is no end', 'One two three...', ''],
    ['two words', 'Two words.', ''],
    ['a word of 1,000 characters', `One two ${'x'.repeat(999)}.`, `One two ${'x'.repeat(999)}.`],
    ['a word of 1,001 characters', `One two ${'x'.repeat(1000)}.`, ''],
    ['javascript in any case', 'Please enable JavaScript now.', ''],
    ['a phrase about cookies', 'This site uses cookies for you.', ''],
    ['citations', 'It rained[1] a lot[23] that day[citation needed].[edit]', 'It rained a lot that day.'],
    ['a mark that only a citation hides', 'It rained a lot.[2]', 'It rained a lot.'],
  ])('%s', (_, text, kept) => expect(strict(text)).toBe(kept));

  test('without the rule for the end of lines', () => {
    expect(loose('A title of words\nTwo words\nOne two three...')).toBe('A title of words\nOne two three...');
  });

  test('documents that are to be dropped keep their lines', () => {
    expect(strict('Lorem ipsum dolor sit.\nA { brace is here.')).toBe(
      'Lorem ipsum dolor sit.\nA { brace is here.',
    );
  });
});

describe("RefinedWeb's corrections", () => {
  test.each([
    ['half upper case stays', 'AB cd', 'AB cd'],
    ['more goes', 'ABCD e', ''],
    ['all digits', 'One line.\n2024\nOther line.', 'One line.\nOther line.'],
    ['a counter', 'One line.\n- 1,024 likes\n3K Followers!\nOther line.', 'One line.\nOther line.'],
    ['no counter', '3 likes of mine', '3 likes of mine'],
    ['a single word', 'Home\nOne line.', 'One line.'],
    ['blank lines stay', 'One line.\n\nOther line.', 'One line.\n\nOther line.'],
    ['items in cart', 'You have 3 items in cart now', 'You have 3 now'],
    ['read more at the end', 'A short teaser Read more...', 'A short teaser'],
    ['read more elsewhere', 'Read more... about it here', 'Read more... about it here'],
    ['sign-in at the beginning', 'Sign-in to go on', 'to go on'],
    ['nothing else on the line', 'One line.\nitems in cart\nOther line.', 'One line.\nOther line.'],
    [
      'more than ten words',
      'one two three four five six seven eight items in cart',
      'one two three four five six seven eight items in cart',
    ],
  ])('%s', (_, text, kept) => expect(refinedWebText(text)).toBe(kept));
});
