/** `--set name=value`, which commands with a policy share. */
import { TokenmillError } from '../core/errors.js';

/** Collects a repeated flag. @throws TokenmillError USAGE */
export function collectSetting(text: string, settings: Record<string, string> = {}): Record<string, string> {
  const split = text.indexOf('=');
  if (split < 1) {
    throw new TokenmillError('USAGE', `--set ${text} is not of the form name=value`, {
      hint: 'for example --set min_words=100',
    });
  }
  return { ...settings, [text.slice(0, split)]: text.slice(split + 1) };
}
