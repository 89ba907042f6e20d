import { encodeCursor } from './cursor.ts'
import type { ListQuery } from './query.ts'
import type { Total } from './total.ts'

/**
 * `~total` is the counted total (null if the statement does not count), `~row` the number of the row in its page (null without
 * rows), `~keys` its sort values as JSON.
 */
export type FoundRow<Row> = Row & { '~total': number | null; '~row': number | null; '~keys': string }

/** Returns the rows of a page and where the neighbouring pages begin, from the rows that the statement of a list has found. */
export const toPage = <Row extends object>(
  { limit, cursor, sort, offset = 0 }: Pick<ListQuery, 'limit' | 'cursor' | 'sort' | 'offset'>,
  rows: FoundRow<Row>[],
  total: Total | undefined,
) => {
  const more = rows.length > limit
  const pageRows = rows.slice(0, limit)
  if (cursor?.backward) pageRows.reverse()
  const cursorAt = (row: FoundRow<Row> | undefined, backward: boolean) =>
    row === undefined
      ? null
      : encodeCursor({ sort: sort.text, backward, total, values: JSON.parse(row['~keys']) as (string | null)[] })
  const hasNext = cursor?.backward ? true : more
  const hasPrevious = cursor?.backward ? more : cursor !== undefined || offset > 0
  return {
    rows: pageRows.map(toRow),
    page: {
      limit,
      nextCursor: hasNext ? cursorAt(pageRows.at(-1), false) : null,
      prevCursor: hasPrevious ? cursorAt(pageRows[0], true) : null,
      ...total,
    },
  }
}

const toRow = <Row extends object>(found: FoundRow<Row>): Row => {
  const { '~total': _total, '~row': _row, '~keys': _keys, ...row } = found
  return row as Omit<FoundRow<Row>, '~total' | '~row' | '~keys'> & Row
}

/** Whether a page contains all rows of its list: a first page with no row more than it has room for. */
export const isCompleteList = (
  { cursor, offset = 0, limit }: Pick<ListQuery, 'cursor' | 'offset' | 'limit'>,
  rows: number,
): boolean => !cursor && offset === 0 && rows <= limit
