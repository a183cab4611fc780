/** tokenizer_config.json and special_tokens_map.json of Hugging Face: which special token has which role. */
import { z } from 'zod';
import { invalid } from './byte-level-model.js';

const token = z.union([z.string(), z.object({ content: z.string() })]);
const roles = z.object({ eos_token: token.nullish() });

/** The token that ends a text; undefined where the file names none. @throws TokenmillError TOKENIZER_INVALID */
export function parseEndOfText(content: unknown, file: string): string | undefined {
  const parsed = roles.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(file, `${issue.path.join('.')}: ${issue.message}`);
  }
  const { eos_token: found } = parsed.data;
  return typeof found === 'string' ? found : found?.content;
}
