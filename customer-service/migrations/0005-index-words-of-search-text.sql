-- outside a transaction
-- Between spaces, a word is found by one pattern, wherever it stands. Finding it by the patterns for the start, the middle and the end
-- of the text read the index once for each.
drop index concurrently if exists customers_by_words;
create index concurrently customers_by_words on customers using gin ((' ' || search_text || ' ') gin_trgm_ops)
  where deleted_at is null;
drop index concurrently if exists customers_by_search_text;
alter index customers_by_words rename to customers_by_search_text;
