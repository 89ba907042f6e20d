import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Db } from '../../data/db.ts'
import { shareResult } from '../../runtime/shared-result.ts'
import { withTimeout } from '../../runtime/timeout.ts'
import { foldedForms, removeAccents } from './fold-text.ts'

/** More distinct words are not known. */
const maxWords = 100_000
/** How long a search waits for the words. At a million rows they take a second or two, and the next search has them. */
const maxWaitMs = 200
const minAgeMs = 2_000
/** The words are used a hundred times as long as reading them took, so that this costs the database one percent of the time. */
const ageFactor = 100
const wordsPerTurn = 2_000

/** Words by their number of letters. */
export type Vocabulary = ReadonlyMap<number, readonly string[]>

type Options = { table: string; columns: readonly string[]; where: string | undefined }

/** Groups the words that have letters only, as they stand in the search text. Other requests are served in between. */
const toVocabulary = async (words: readonly string[]): Promise<Vocabulary> => {
  const folded = new Set<string>()
  for (const [index, word] of words.entries()) {
    const text = removeAccents(word)
    for (const form of [text, ...foldedForms(text).flat()]) if (/^\p{L}+$/u.test(form)) folded.add(form)
    if (index % wordsPerTurn === wordsPerTurn - 1) await nextTurn()
  }
  const byLength = new Map<number, string[]>()
  for (const word of folded) {
    const length = [...word].length
    const others = byLength.get(length)
    if (others) others.push(word)
    else byLength.set(length, [word])
  }
  return byLength
}

/** Creates a function that returns the words of some columns of a table; undefined if they are not known yet. */
export const createVocabulary = ({ table, columns, where }: Options) => {
  const sql = `select distinct word from (
  select unnest(string_to_array(concat_ws(' ', ${columns.join(', ')}), ' ')) as word from ${table}${where === undefined ? '' : ` where ${where}`}
) words limit ${maxWords}`
  type Source = { read: () => Promise<Vocabulary>; latest: Vocabulary | undefined }
  const sources = new WeakMap<Db, Source>()
  const createSource = (db: Db): Source => {
    const source: Source = {
      latest: undefined,
      read: shareResult(
        async () => {
          const rows = await db.query<{ word: string }>(sql)
          source.latest = await toVocabulary(rows.map(({ word }) => word))
          return source.latest
        },
        { maxAgeMs: (tookMs) => Math.max(minAgeMs, tookMs * ageFactor), failureMs: 60_000 },
      ),
    }
    sources.set(db, source)
    return source
  }
  return async (db: Db): Promise<Vocabulary | undefined> => {
    const source = sources.get(db) ?? createSource(db)
    const words = source.read()
    // Neither a slow nor a failed reading fails a search.
    return withTimeout(maxWaitMs, 'the words take too long', words).catch(() => source.latest)
  }
}
