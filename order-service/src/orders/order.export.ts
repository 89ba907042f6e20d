import type { Exportable } from '@clientele/features/exports/export.jobs'
import { actorParts, exportBody } from '@clientele/features/exports/export-fields'
import type { Finder } from './order.finder.ts'
import { orderList } from './order.list.ts'
import type { OrderRow } from './order.model.ts'
import { presentOrder } from './order.presenter.ts'

const fields = {
  id: [],
  number: [],
  customerId: [],
  status: [],
  lines: [],
  total: [],
  currency: [],
  note: [],
  metadata: [],
  placedAt: [],
  fulfilledAt: [],
  cancelledAt: [],
  createdBy: actorParts,
  updatedAt: [],
  updatedBy: actorParts,
  version: [],
}

/** Orders with their lines as files; in CSV the lines are one cell of JSON. */
export const orderExport = (finder: Pick<Finder, 'linesOf'>): Exportable<OrderRow> => ({
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
