-- outside a transaction
-- Texts that a replica of the previous release has written, without the forms that words are folded to.
drop index concurrently if exists notifications_without_folded_forms;
create index concurrently notifications_without_folded_forms on notifications (id)
  where search_text ~ '[\u0080-\u02ff\u03c2\u05f3\u05f4\u1d00-\u1eff\u2000-\u206f\u2c60-\u2c7f\u3000-\u303f\u30fb\ua720-\ua7ff\uab30-\uab6f]|(^| )[^ !-@[-`{-~]*[!-/:-?[-`{-~][^ @0-9]*( |$)'
    and search_text not like E'%\x1f%';
