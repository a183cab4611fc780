-- FineWeb's filters (Penedo et al. 2024, arXiv 2406.17557) in the order of datatrove 0.10, examples/fineweb.py: addresses,
-- language, Gopher repetition, Gopher quality, C4 without its rule for the end of lines, FineWeb quality.
-- Variant: datatrove's everywhere; FineWeb's own rules look at the text as C4's rules for lines leave it. The score of the
-- language is ELD's, not fastText's, so its threshold cuts elsewhere.
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
SET VARIABLE min_sentences = 5; -- fewest sentences in the lines that C4 would keep
SET VARIABLE min_punctuation_end_line_ratio = 0.12; -- smallest share of lines that end with punctuation
SET VARIABLE max_short_line_ratio = 0.67; -- largest share of lines of at most 30 characters
SET VARIABLE max_repeated_line_character_ratio = 0.01; -- largest share of characters in lines that repeat an earlier one
SET VARIABLE max_newline_word_ratio = 0.3; -- most line feeds per word

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
  drop_if(fineweb_lorem_ipsum_line > 0 AND (fineweb_curly_bracket_line = 0 OR fineweb_lorem_ipsum_line <= fineweb_curly_bracket_line), fineweb_lorem_ipsum_line) AS lorem_ipsum,
  drop_if(fineweb_curly_bracket_line > 0, fineweb_curly_bracket_line) AS curly_bracket,
  drop_if(fineweb_sentence_count < getvariable('min_sentences'), fineweb_sentence_count) AS too_few_sentences,
  drop_if(fineweb_punctuation_end_line_ratio < getvariable('min_punctuation_end_line_ratio'), fineweb_punctuation_end_line_ratio) AS too_few_punctuated_lines,
  drop_if(fineweb_short_line_ratio > getvariable('max_short_line_ratio'), fineweb_short_line_ratio) AS too_many_short_lines,
  drop_if(fineweb_repeated_line_character_ratio > getvariable('max_repeated_line_character_ratio'), fineweb_repeated_line_character_ratio) AS repeated_lines,
  drop_if(fineweb_newline_word_ratio > getvariable('max_newline_word_ratio'), fineweb_newline_word_ratio) AS too_many_newlines
FROM signals;
