import type { CustomerEditor } from '@clientele/contracts/customer'
import type { Page } from '@clientele/contracts/page'
import type { Db } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import { list, time, userId } from '@clientele/platform/lists/list'

type EditorRow = { userId: string; userName: string; firstAt: Date; lastAt: Date; edits: number }

/** The editors of one customer, recorded by a database trigger. A shop has few users, so the list needs no index for sorting. */
export const editorList = list<EditorRow>({
  table: 'customer_editors',
  columns: ['userId', 'userName', 'firstAt', 'lastAt', 'edits'],
  sort: ['lastAt', 'firstAt'],
  defaultSort: '-lastAt',
  filter: { user: userId({ column: 'user_id' }), firstAt: time(), lastAt: time() },
  id: 'user_id',
})

/** Lists the users who created or changed a customer. Services and the system are not editors. */
export const createEditors = (db: Db, userNames: UserNames) => ({
  list: async (customerId: string, query: Record<string, unknown>): Promise<Page<CustomerEditor>> => {
    const { rows, page } = await editorList.run(db, query, { where: (bind) => `customer_id = ${bind(customerId)}` })
    const data = (await userNames.withCurrentNames(rows)).map((row) => ({
      user: { id: row.userId, displayName: row.userName },
      firstAt: row.firstAt.toISOString(),
      lastAt: row.lastAt.toISOString(),
      edits: row.edits,
    }))
    return { data, page }
  },
})
export type Editors = ReturnType<typeof createEditors>
