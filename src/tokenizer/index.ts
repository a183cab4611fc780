/** The tokenizer as a library: `import { loadTokenizer } from 'tokenmill/tokenizer'`. */
export { TokenBuffer } from './bpe/token-buffer.js';
export { BUILTIN_NAMES } from './builtin.js';
export { StreamDecoder } from './decoder.js';
export { describeTokenizer, type TokenizerDescription } from './describe.js';
export { toHuggingFace } from './formats/huggingface.js';
export { toTiktoken } from './formats/tiktoken.js';
export { loadTokenizer, type LoadOptions } from './load.js';
export type { TokenizerModel } from './model.js';
export { PATTERN_NAMES, type Pattern, type PatternName } from './patterns.js';
export { saveTokenizer } from './save.js';
export { StreamEncoder } from './stream-encoder.js';
export { Tokenizer, type Encoding, type EncodeOptions, type StreamOptions } from './tokenizer.js';
export { trainTokenizer, type TrainingProgress, type TrainingText, type TrainOptions } from './train.js';
