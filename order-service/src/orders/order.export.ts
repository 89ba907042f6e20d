import { Order } from '@clientele/contracts/order'
import type { Exportable } from '@clientele/features/exports/export.jobs'
import { exportBody, exportFieldsOf } from '@clientele/features/exports/export-fields'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { OrderFinder } from './order.finder.ts'
import { orderList } from './order.list.ts'
import type { OrderRow } from './order.model.ts'
import { presentOrder } from './order.presenter.ts'

const fields = exportFieldsOf(Object.keys(Order.shape))

/** Exports orders with their lines. In CSV the lines of an order are one cell that holds JSON. */
export const orderExport = (finder: Pick<OrderFinder, 'linesOf'>, userNames: UserNames): Exportable<OrderRow> => ({
  kind: 'order-export',
  name: 'orders',
  list: orderList,
  fields,
  present: async (rows, tx) => {
    const lines = await finder.linesOf(
      rows.map(({ id }) => id),
      tx,
    )
    const named = await userNames.withCurrentNames(rows, tx)
    return named.map((row) => presentOrder(row, lines.get(row.id) ?? []))
  },
})

export const NewOrderExport = exportBody('NewOrderExport', orderList, fields)
