import type { CustomerEditor } from '@clientele/contracts/customer'
import type { Page } from '@clientele/contracts/page'
import type { Db } from '@clientele/platform/data/db'
import { list, time, userId } from '@clientele/platform/lists/list'
import type { UserNames } from '../users/user-name.projection.ts'

type EditorRow = { userId: string; userName: string; firstAt: Date; lastAt: Date; edits: number }

/** The people of one customer, noted by a trigger of the database: as many as work in the shop, so they are sorted without an index. */
export const editorList = list<EditorRow>({
  table: 'customer_editors',
  columns: ['userId', 'userName', 'firstAt', 'lastAt', 'edits'],
  sort: ['lastAt', 'firstAt'],
  defaultSort: '-lastAt',
  filter: { user: userId({ column: 'user_id' }), firstAt: time(), lastAt: time() },
  id: 'user_id',
})

/** Who is associated with a customer by having created or changed it; machines of ours are not. */
export const createEditors = (db: Db, userNames: UserNames) => ({
  list: async (customerId: string, query: Record<string, unknown>): Promise<Page<CustomerEditor>> => {
    const { rows, page } = await editorList.run(db, query, { where: (bind) => `customer_id = ${bind(customerId)}` })
    const names = await userNames.of(rows.map((row) => row.userId))
    const data = rows.map((row) => ({
      user: { id: row.userId, displayName: names.get(row.userId) ?? row.userName },
      firstAt: row.firstAt.toISOString(),
      lastAt: row.lastAt.toISOString(),
      edits: row.edits,
    }))
    return { data, page }
  },
})
export type Editors = ReturnType<typeof createEditors>
