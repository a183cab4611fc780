-- The heuristic filters of DCLM-Baseline (Li et al. 2024, arXiv 2406.11794), its reproduction of RefinedWeb, in the order
-- of baselines_configs/dclm_baseline_refinedweb.yaml.
-- Variant: DCLM's everywhere: words are what white space separates, every copy of a repeated line, paragraph or n-gram
-- counts, repetition looks at words without punctuation, stop words count in any case and as often as they occur.
-- Addresses inside the text are not taken out before. The score of the language is ELD's, not fastText's. The kept text is
-- not changed by a policy, for that ingest with `--transform refinedweb`.
SET VARIABLE max_url_hard_words = 0; -- most hard words in the address
SET VARIABLE max_url_soft_words = 1; -- most soft words in the address
SET VARIABLE max_url_substrings = 0; -- most listed substrings in the address
SET VARIABLE languages = ['en']; -- languages that are kept, ISO 639-1
SET VARIABLE min_language_score = 0.65; -- lowest score of the language
SET VARIABLE min_words = 50; -- fewest words
SET VARIABLE max_words = 100000; -- most words
SET VARIABLE min_mean_word_length = 3; -- shortest mean word, characters
SET VARIABLE max_mean_word_length = 10; -- longest mean word, characters
SET VARIABLE max_symbol_word_ratio = 0.1; -- most hash signs and ellipses per word
SET VARIABLE max_bullet_line_ratio = 0.9; -- largest share of lines that begin with a bullet
SET VARIABLE max_ellipsis_line_ratio = 0.3; -- largest share of lines that end with an ellipsis
SET VARIABLE max_non_alphabetic_word_ratio = 0.2; -- largest share of words without a letter
SET VARIABLE min_stop_words = 2; -- fewest occurrences of: the, be, to, of, and, that, have, with
SET VARIABLE max_repeated_paragraph_ratio = 0.3; -- largest share of paragraphs that occur more than once
SET VARIABLE max_repeated_paragraph_character_ratio = 0.2; -- largest share of characters in such paragraphs
SET VARIABLE max_repeated_line_ratio = 0.3; -- largest share of lines that occur more than once
SET VARIABLE max_repeated_line_character_ratio = 0.2; -- largest share of characters in such lines
SET VARIABLE max_top_2gram_character_ratio = 0.2; -- largest share of characters in the most frequent 2-gram
SET VARIABLE max_top_3gram_character_ratio = 0.18; -- largest share of characters in the most frequent 3-gram
SET VARIABLE max_top_4gram_character_ratio = 0.16; -- largest share of characters in the most frequent 4-gram
SET VARIABLE max_repeated_5gram_character_ratio = 0.15; -- largest share of characters in 5-grams that occur more than once
SET VARIABLE max_repeated_6gram_character_ratio = 0.14; -- largest share of characters in 6-grams that occur more than once
SET VARIABLE max_repeated_7gram_character_ratio = 0.13; -- largest share of characters in 7-grams that occur more than once
SET VARIABLE max_repeated_8gram_character_ratio = 0.12; -- largest share of characters in 8-grams that occur more than once
SET VARIABLE max_repeated_9gram_character_ratio = 0.11; -- largest share of characters in 9-grams that occur more than once
SET VARIABLE max_repeated_10gram_character_ratio = 0.1; -- largest share of characters in 10-grams that occur more than once
SET VARIABLE max_removed_word_ratio = 0.05; -- largest share of words that the corrections of lines take away

SELECT
  ordinal,
  drop_if(url_blocked_category <> '', 1) AS blocked_url,
  drop_if(url_hard_word_count > getvariable('max_url_hard_words'), url_hard_word_count) AS url_hard_words,
  drop_if(url_soft_word_count > getvariable('max_url_soft_words'), url_soft_word_count) AS url_soft_words,
  drop_if(url_substring_count > getvariable('max_url_substrings'), url_substring_count) AS url_substrings,
  drop_if(NOT list_contains(getvariable('languages'), language), language_score) AS other_language,
  drop_if(language_score < getvariable('min_language_score'), language_score) AS uncertain_language,
  drop_if(dclm_word_count < getvariable('min_words'), dclm_word_count) AS too_few_words,
  drop_if(dclm_word_count > getvariable('max_words'), dclm_word_count) AS too_many_words,
  drop_if(dclm_mean_word_length < getvariable('min_mean_word_length'), dclm_mean_word_length) AS words_too_short,
  drop_if(dclm_mean_word_length > getvariable('max_mean_word_length'), dclm_mean_word_length) AS words_too_long,
  drop_if(dclm_symbol_word_ratio > getvariable('max_symbol_word_ratio'), dclm_symbol_word_ratio) AS too_many_symbols,
  drop_if(dclm_bullet_line_ratio > getvariable('max_bullet_line_ratio'), dclm_bullet_line_ratio) AS too_many_bullet_lines,
  drop_if(dclm_ellipsis_line_ratio > getvariable('max_ellipsis_line_ratio'), dclm_ellipsis_line_ratio) AS too_many_ellipsis_lines,
  drop_if(dclm_non_alphabetic_word_ratio > getvariable('max_non_alphabetic_word_ratio'), dclm_non_alphabetic_word_ratio) AS too_few_alphabetic_words,
  drop_if(dclm_stop_word_count < getvariable('min_stop_words'), dclm_stop_word_count) AS too_few_stop_words,
  drop_if(dclm_repeated_line_ratio > getvariable('max_repeated_line_ratio'), dclm_repeated_line_ratio) AS repeated_lines,
  drop_if(dclm_repeated_paragraph_ratio > getvariable('max_repeated_paragraph_ratio'), dclm_repeated_paragraph_ratio) AS repeated_paragraphs,
  drop_if(dclm_repeated_line_character_ratio > getvariable('max_repeated_line_character_ratio'), dclm_repeated_line_character_ratio) AS repeated_line_characters,
  drop_if(dclm_repeated_paragraph_character_ratio > getvariable('max_repeated_paragraph_character_ratio'), dclm_repeated_paragraph_character_ratio) AS repeated_paragraph_characters,
  drop_if(dclm_top_2gram_character_ratio > getvariable('max_top_2gram_character_ratio'), dclm_top_2gram_character_ratio) AS top_2gram,
  drop_if(dclm_top_3gram_character_ratio > getvariable('max_top_3gram_character_ratio'), dclm_top_3gram_character_ratio) AS top_3gram,
  drop_if(dclm_top_4gram_character_ratio > getvariable('max_top_4gram_character_ratio'), dclm_top_4gram_character_ratio) AS top_4gram,
  drop_if(dclm_repeated_5gram_character_ratio > getvariable('max_repeated_5gram_character_ratio'), dclm_repeated_5gram_character_ratio) AS repeated_5grams,
  drop_if(dclm_repeated_6gram_character_ratio > getvariable('max_repeated_6gram_character_ratio'), dclm_repeated_6gram_character_ratio) AS repeated_6grams,
  drop_if(dclm_repeated_7gram_character_ratio > getvariable('max_repeated_7gram_character_ratio'), dclm_repeated_7gram_character_ratio) AS repeated_7grams,
  drop_if(dclm_repeated_8gram_character_ratio > getvariable('max_repeated_8gram_character_ratio'), dclm_repeated_8gram_character_ratio) AS repeated_8grams,
  drop_if(dclm_repeated_9gram_character_ratio > getvariable('max_repeated_9gram_character_ratio'), dclm_repeated_9gram_character_ratio) AS repeated_9grams,
  drop_if(dclm_repeated_10gram_character_ratio > getvariable('max_repeated_10gram_character_ratio'), dclm_repeated_10gram_character_ratio) AS repeated_10grams,
  drop_if(refinedweb_removed_word_ratio > getvariable('max_removed_word_ratio'), refinedweb_removed_word_ratio) AS too_many_words_removed
FROM signals;
