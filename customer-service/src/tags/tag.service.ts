import type { TagCounts } from '@clientele/contracts/customer'
import type { Db } from '@clientele/platform/data/db'
import { foldText } from '@clientele/platform/lists/words/fold-text'
import { shareResult } from '@clientele/platform/runtime/shared-result'

/** Tags beyond these, by number of customers, are not found. */
const maxTags = 10_000
const minAgeMs = 2_000
/** How many times as long as a count took it is used: a count costs the database one percent of the time. */
const ageFactor = 100

// Reads every customer: 0.1 s at a hundred thousand, 1 s at a million. No index counts the values of arrays.
const selectTags = `select tag, count(*)::int as customers from customers, unnest(tags) as tag
where deleted_at is null group by tag order by customers desc, tag collate "C" limit ${maxTags}`

type Counted = { tags: (TagCounts['data'][number] & { text: string })[]; countedAt: string }

export type TagService = ReturnType<typeof createTagService>

/** Counts the customers of each tag. Requests share a count, whose age depends on what it took. */
export const createTagService = ({ db, minimumAgeMs = minAgeMs }: { db: Db; minimumAgeMs?: number }) => {
  const count = async (): Promise<Counted> => {
    const rows = await db.query<TagCounts['data'][number]>(selectTags)
    return { tags: rows.map((row) => ({ ...row, text: foldText(row.tag) })), countedAt: new Date().toISOString() }
  }
  const counted = shareResult(count, { maxAgeMs: (tookMs) => Math.max(minimumAgeMs, tookMs * ageFactor) })

  return {
    list: async ({ q = '', limit }: { q?: string | undefined; limit: number }): Promise<TagCounts> => {
      const { tags, countedAt } = await counted()
      const words = foldText(q).split(/\s+/)
      const found = tags.filter(({ text }) => words.every((word) => text.includes(word)))
      return {
        data: found.slice(0, limit).map(({ tag, customers }) => ({ tag, customers })),
        total: found.length,
        countedAt,
      }
    },
  }
}
