/** The scanning kernel: what of measuring texts is done in WebAssembly. */
export { compressedSize } from './compress';
export { configureLanguages, sumScores } from './language';
export { measureLines, measurePhysicalLines } from './lines';
export { measureNgrams, repeatedWords } from './ngrams';
export { fillSequences, splitPieces } from './pieces';
export { listForeign, sumPieces } from './totals';
