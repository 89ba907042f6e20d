-- The order of ICU for all languages, the same in every database, with numbers in a text by their value. Texts are equal only if their
-- bytes are.
create collation text_order (provider = icu, locale = 'und-u-kn');
