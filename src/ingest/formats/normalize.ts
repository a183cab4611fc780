/**
 * Normalisation of texts, in named steps that a dataset records. Whatever steps are asked for, a text is valid Unicode:
 * lone surrogates become U+FFFD.
 */
import { repairMojibake } from './mojibake.js';

/** All steps, in the order in which they are done. */
export const NORMALIZATIONS = ['mojibake', 'control', 'nfc', 'whitespace'] as const;
export type Normalization = (typeof NORMALIZATIONS)[number];

/** What each does, for help and documentation. */
export const NORMALIZATION_DOCS: Readonly<Record<Normalization, string>> = {
  mojibake: 'UTF-8 that was read as Windows-1252 is put right (`cafÃ©` becomes `café`)',
  control: 'line ends become line feeds; control characters and a byte order mark go',
  nfc: 'Unicode normalisation form C',
  whitespace:
    'any space becomes a plain one, several in a line one, none stays at the end of a line; at most one empty line between lines, none around the text',
};

const STEPS: Readonly<Record<Normalization, (text: string) => string>> = {
  mojibake: repairMojibake,
  control: removeControls,
  nfc: (text) => text.normalize('NFC'),
  whitespace: tidySpace,
};

/** C0 without tab and line feed, DEL and C1: none of them is text. Line ends are line feeds by then. */
const CONTROL = /[^\P{Cc}\t\n]/u;
const CONTROLS = /[^\P{Cc}\t\n]+/gu;
const LINE_END = /\r\n?|\f/g;
const LONE_SURROGATE = /\p{Surrogate}/gu;

export function normalizeText(text: string, steps: readonly Normalization[]): string {
  let result = text.replace(LONE_SURROGATE, '\uFFFD');
  for (const step of steps) result = STEPS[step](result);
  return result;
}

function removeControls(text: string): string {
  const start = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  // Most texts have none, and a search for a class is many times as fast as a replacement.
  return CONTROL.test(start) ? start.replace(LINE_END, '\n').replace(CONTROLS, '') : start;
}

/** Indentation stays: it means something in code. */
function tidySpace(text: string): string {
  return text
    .replace(/[\p{Zs}\u200B\uFEFF]/gu, ' ')
    .replace(/[\p{Zl}\p{Zp}]/gu, '\n')
    .replace(/(\S)[ \t]+/g, '$1 ')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+|\n+$/g, '');
}
