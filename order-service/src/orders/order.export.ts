import { Order } from '@clientele/contracts/order'
import type { Exportable } from '@clientele/features/exports/export.jobs'
import { exportBody, exportFieldsOf } from '@clientele/features/exports/export-fields'
import type { OrderFinder } from './order.finder.ts'
import { orderList } from './order.list.ts'
import type { OrderRow } from './order.model.ts'
import { presentOrder } from './order.presenter.ts'

const fields = { ...exportFieldsOf(Object.keys(Order.shape)), customer: ['code', 'displayName'] }

/** Exports orders with their lines. In CSV and XLSX the lines of an order are one cell that holds JSON. */
export const orderExport = ({ complete }: Pick<OrderFinder, 'complete'>): Exportable<OrderRow> => ({
  kind: 'order-export',
  name: 'orders',
  list: orderList,
  fields,
  numbers: ['total'],
  present: async (rows, tx) => (await complete(rows, tx)).map(presentOrder),
})

export const NewOrderExport = exportBody('NewOrderExport', orderList, fields)
