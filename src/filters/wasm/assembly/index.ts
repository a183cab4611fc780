/** The scanning kernel: what of measuring texts is done in WebAssembly. */
export { measureNgrams, repeatedWords } from './ngrams';
export { fillSequences, hashLines, splitPieces } from './pieces';
