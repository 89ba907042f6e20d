import { Order } from '@clientele/contracts/order'
import type { Exportable } from '@clientele/features/exports/export.jobs'
import { exportBody, exportFieldsOf } from '@clientele/features/exports/export-fields'
import type { OrderFinder } from './order.finder.ts'
import { orderList } from './order.list.ts'
import type { OrderRow } from './order.model.ts'
import { presentOrder } from './order.presenter.ts'

const fields = exportFieldsOf(Object.keys(Order.shape))

/** Orders with their lines as files; in CSV the lines are one cell of JSON. */
export const orderExport = (finder: Pick<OrderFinder, 'linesOf'>): Exportable<OrderRow> => ({
  kind: 'order-export',
  name: 'orders',
  list: orderList,
  fields,
  present: async (rows, tx) => {
    const lines = await finder.linesOf(
      rows.map(({ id }) => id),
      tx,
    )
    return rows.map((row) => presentOrder(row, lines.get(row.id) ?? []))
  },
})

export const NewOrderExport = exportBody('NewOrderExport', orderList, fields)
