-- RefinedWeb's filters of documents (Penedo et al. 2023, arXiv 2306.01116, appendix G): addresses, language, Gopher's
-- repetition and quality, and the share of words that its corrections of lines take away.
-- Variant: Gopher's rules as datatrove 0.10 has them (RefinedWeb's code is not public); corrections of lines as DCLM wrote
-- them. The score of the language is ELD's, not fastText's. The kept text is not changed by a policy, for that ingest with
-- `--transform refinedweb`.
SET VARIABLE max_url_hard_words = 0; -- most hard words in the address
SET VARIABLE max_url_soft_words = 1; -- most soft words in the address
SET VARIABLE max_url_substrings = 0; -- most listed substrings in the address
SET VARIABLE languages = ['en']; -- languages that are kept, ISO 639-1
SET VARIABLE min_language_score = 0.65; -- lowest score of the language
SET VARIABLE max_duplicate_paragraph_ratio = 0.3; -- largest share of paragraphs that repeat an earlier one
SET VARIABLE max_duplicate_paragraph_character_ratio = 0.2; -- largest share of characters in such paragraphs
SET VARIABLE max_duplicate_line_ratio = 0.3; -- largest share of lines that repeat an earlier one
SET VARIABLE max_duplicate_line_character_ratio = 0.2; -- largest share of characters in such lines
SET VARIABLE max_top_2gram_character_ratio = 0.2; -- largest share of characters in the most frequent 2-gram
SET VARIABLE max_top_3gram_character_ratio = 0.18; -- largest share of characters in the most frequent 3-gram
SET VARIABLE max_top_4gram_character_ratio = 0.16; -- largest share of characters in the most frequent 4-gram
SET VARIABLE max_duplicate_5gram_character_ratio = 0.15; -- largest share of characters in 5-grams that repeat an earlier one
SET VARIABLE max_duplicate_6gram_character_ratio = 0.14; -- largest share of characters in 6-grams that repeat an earlier one
SET VARIABLE max_duplicate_7gram_character_ratio = 0.13; -- largest share of characters in 7-grams that repeat an earlier one
SET VARIABLE max_duplicate_8gram_character_ratio = 0.12; -- largest share of characters in 8-grams that repeat an earlier one
SET VARIABLE max_duplicate_9gram_character_ratio = 0.11; -- largest share of characters in 9-grams that repeat an earlier one
SET VARIABLE max_duplicate_10gram_character_ratio = 0.1; -- largest share of characters in 10-grams that repeat an earlier one
SET VARIABLE min_words = 50; -- fewest words, punctuation not counted
SET VARIABLE max_words = 100000; -- most words, punctuation not counted
SET VARIABLE min_mean_word_length = 3; -- shortest mean word, characters
SET VARIABLE max_mean_word_length = 10; -- longest mean word, characters
SET VARIABLE max_symbol_word_ratio = 0.1; -- most hash signs per word, and most ellipses per word
SET VARIABLE max_bullet_line_ratio = 0.9; -- largest share of lines that begin with a bullet or hyphen
SET VARIABLE max_ellipsis_line_ratio = 0.3; -- largest share of lines that end with an ellipsis
SET VARIABLE min_alphabetic_word_ratio = 0.8; -- smallest share of words with a letter
SET VARIABLE min_stop_words = 2; -- fewest different words of: the, be, to, of, and, that, have, with
SET VARIABLE max_removed_word_ratio = 0.05; -- largest share of words that the corrections of lines take away

SELECT
  ordinal,
  drop_if(url_blocked_category <> '', 1) AS blocked_url,
  drop_if(url_hard_word_count > getvariable('max_url_hard_words'), url_hard_word_count) AS url_hard_words,
  drop_if(url_soft_word_count > getvariable('max_url_soft_words'), url_soft_word_count) AS url_soft_words,
  drop_if(url_substring_count > getvariable('max_url_substrings'), url_substring_count) AS url_substrings,
  drop_if(NOT list_contains(getvariable('languages'), language), language_score) AS other_language,
  drop_if(language_score < getvariable('min_language_score'), language_score) AS uncertain_language,
  drop_if(duplicate_paragraph_ratio > getvariable('max_duplicate_paragraph_ratio'), duplicate_paragraph_ratio) AS duplicate_paragraphs,
  drop_if(duplicate_paragraph_character_ratio > getvariable('max_duplicate_paragraph_character_ratio'), duplicate_paragraph_character_ratio) AS duplicate_paragraph_characters,
  drop_if(duplicate_line_ratio > getvariable('max_duplicate_line_ratio'), duplicate_line_ratio) AS duplicate_lines,
  drop_if(duplicate_line_character_ratio > getvariable('max_duplicate_line_character_ratio'), duplicate_line_character_ratio) AS duplicate_line_characters,
  drop_if(top_2gram_character_ratio > getvariable('max_top_2gram_character_ratio'), top_2gram_character_ratio) AS top_2gram,
  drop_if(top_3gram_character_ratio > getvariable('max_top_3gram_character_ratio'), top_3gram_character_ratio) AS top_3gram,
  drop_if(top_4gram_character_ratio > getvariable('max_top_4gram_character_ratio'), top_4gram_character_ratio) AS top_4gram,
  drop_if(duplicate_5gram_character_ratio > getvariable('max_duplicate_5gram_character_ratio'), duplicate_5gram_character_ratio) AS duplicate_5grams,
  drop_if(duplicate_6gram_character_ratio > getvariable('max_duplicate_6gram_character_ratio'), duplicate_6gram_character_ratio) AS duplicate_6grams,
  drop_if(duplicate_7gram_character_ratio > getvariable('max_duplicate_7gram_character_ratio'), duplicate_7gram_character_ratio) AS duplicate_7grams,
  drop_if(duplicate_8gram_character_ratio > getvariable('max_duplicate_8gram_character_ratio'), duplicate_8gram_character_ratio) AS duplicate_8grams,
  drop_if(duplicate_9gram_character_ratio > getvariable('max_duplicate_9gram_character_ratio'), duplicate_9gram_character_ratio) AS duplicate_9grams,
  drop_if(duplicate_10gram_character_ratio > getvariable('max_duplicate_10gram_character_ratio'), duplicate_10gram_character_ratio) AS duplicate_10grams,
  drop_if(word_count < getvariable('min_words'), word_count) AS too_few_words,
  drop_if(word_count > getvariable('max_words'), word_count) AS too_many_words,
  drop_if(mean_word_length < getvariable('min_mean_word_length'), mean_word_length) AS words_too_short,
  drop_if(mean_word_length > getvariable('max_mean_word_length'), mean_word_length) AS words_too_long,
  drop_if(hash_word_ratio > getvariable('max_symbol_word_ratio'), hash_word_ratio) AS too_many_hashes,
  drop_if(ellipsis_word_ratio > getvariable('max_symbol_word_ratio'), ellipsis_word_ratio) AS too_many_ellipses,
  drop_if(bullet_line_ratio > getvariable('max_bullet_line_ratio'), bullet_line_ratio) AS too_many_bullet_lines,
  drop_if(ellipsis_line_ratio > getvariable('max_ellipsis_line_ratio'), ellipsis_line_ratio) AS too_many_ellipsis_lines,
  drop_if(alphabetic_word_ratio < getvariable('min_alphabetic_word_ratio'), alphabetic_word_ratio) AS too_few_alphabetic_words,
  drop_if(stop_word_count < getvariable('min_stop_words'), stop_word_count) AS too_few_stop_words,
  drop_if(refinedweb_removed_word_ratio > getvariable('max_removed_word_ratio'), refinedweb_removed_word_ratio) AS too_many_words_removed
FROM signals;
