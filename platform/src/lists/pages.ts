import type { Db } from '../data/db.ts'
import type { Search } from './filters.ts'
import type { PageReader, ReadOptions } from './page-reader.ts'
import type { ListQuery } from './query.ts'
import { readByRelevance } from './relevance.ts'
import { toPage } from './result-page.ts'
import { searchByWords, type TextSearch } from './search.ts'
import { withSimilarWords } from './words/similar-words.ts'
import type { Vocabulary } from './words/vocabulary.ts'

type Options<Row> = {
  reader: PageReader<Row>
  search: Search | undefined
  /** Reads the words that typing errors are corrected to. */
  vocabulary: ((db: Db) => Promise<Vocabulary | undefined>) | undefined
}

/** Creates what reads the pages of a list, in the order of a column or of relevance. */
export const createPages = <Row extends object>({ reader, search: column, vocabulary }: Options<Row>) => {
  const readPage = async (db: Db, query: ListQuery, search: TextSearch | undefined, read: ReadOptions) => {
    const conditions = [...query.conditions, ...(search?.match ?? [])]
    const { rows, total, isEmpty } =
      query.sort.isByRelevance && search
        ? await readByRelevance(reader, db, { ...query, search }, read)
        : await reader.page(db, { ...query, conditions }, read)
    return { ...toPage<Row>(query, rows, query.knownTotal ?? total), isEmpty }
  }

  /** Reads a page of rows that have similar words; undefined if there are none. */
  const readSimilar = async (db: Db, query: ListQuery, read: ReadOptions) => {
    if (!column || !query.search || !vocabulary) return undefined
    const known = await vocabulary(db)
    const words = known && withSimilarWords(query.search.words, known)
    if (!words) return undefined
    const { rows, page, isEmpty } = await readPage(db, query, searchByWords(column, query.search.text, words), read)
    return isEmpty ? undefined : { rows, page: { ...page, matchedBy: 'similar' as const } }
  }

  return {
    /** Reads a page of the rows that `search` finds, or else of those that it finds with a typing error in each word. */
    read: async (db: Db, query: ListQuery, search: TextSearch | undefined, read: ReadOptions) => {
      const { isEmpty, ...found } = await readPage(db, query, search, read)
      return (isEmpty ? await readSimilar(db, query, read) : undefined) ?? found
    },
  }
}
