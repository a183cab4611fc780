-- Rules that hold in any language: no list of English words, no length of words. Thresholds are those of the projects
-- named; Gopher's repetition rules as in `gopher-repetition`.
-- Variant: datatrove's for repetition and lines; in scripts without spaces each letter is a word for n-grams.
SET VARIABLE min_language_score = 0.5; -- lowest score of the language (cc_net has 0.5, for fastText)
SET VARIABLE min_line_language_ratio = 0.5; -- smallest share of lines in the language of the document
SET VARIABLE min_characters = 300; -- fewest characters (cc_net)
SET VARIABLE min_alphanumeric_character_ratio = 0.25; -- smallest share of letters and numbers (Data-Juicer)
SET VARIABLE max_special_character_ratio = 0.5; -- largest share of characters that are neither letters nor marks
SET VARIABLE max_longest_word = 1000; -- longest word, characters (NeMo Curator)
SET VARIABLE unspaced_languages = ['ja', 'zh', 'th', 'lo', 'km', 'my']; -- languages without spaces, where a word may be any length
SET VARIABLE max_url_character_ratio = 0.2; -- largest share of characters in addresses (NeMo Curator)
SET VARIABLE max_bullet_line_ratio = 0.9; -- largest share of lines that begin with a bullet or hyphen
SET VARIABLE max_ellipsis_line_ratio = 0.3; -- largest share of lines that end with an ellipsis
SET VARIABLE min_punctuation_end_line_ratio = 0.12; -- smallest share of lines that end with punctuation of any script
SET VARIABLE max_bad_words = 2; -- most obscene words of the language of the document
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

SELECT
  ordinal,
  drop_if(language = 'und', language_score) AS no_language,
  drop_if(language_score < getvariable('min_language_score'), language_score) AS uncertain_language,
  drop_if(line_language_ratio < getvariable('min_line_language_ratio'), line_language_ratio) AS mixed_languages,
  drop_if(character_count < getvariable('min_characters'), character_count) AS too_few_characters,
  drop_if(alphanumeric_character_ratio < getvariable('min_alphanumeric_character_ratio'), alphanumeric_character_ratio) AS too_few_alphanumeric_characters,
  drop_if(special_character_ratio > getvariable('max_special_character_ratio'), special_character_ratio) AS too_many_special_characters,
  drop_if(longest_word > getvariable('max_longest_word') AND NOT list_contains(getvariable('unspaced_languages'), language), longest_word) AS word_too_long,
  drop_if(url_character_ratio > getvariable('max_url_character_ratio'), url_character_ratio) AS too_many_urls,
  drop_if(bullet_line_ratio > getvariable('max_bullet_line_ratio'), bullet_line_ratio) AS too_many_bullet_lines,
  drop_if(ellipsis_line_ratio > getvariable('max_ellipsis_line_ratio'), ellipsis_line_ratio) AS too_many_ellipsis_lines,
  drop_if(punctuation_end_line_ratio < getvariable('min_punctuation_end_line_ratio'), punctuation_end_line_ratio) AS too_few_punctuated_lines,
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
  drop_if(bad_word_count > getvariable('max_bad_words'), bad_word_count) AS bad_words
FROM signals;
