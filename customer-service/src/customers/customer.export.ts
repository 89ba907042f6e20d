import { Address, Customer } from '@clientele/contracts/customer'
import type { Exportable } from '@clientele/features/exports/export.jobs'
import { exportBody, exportFieldsOf } from '@clientele/features/exports/export-fields'
import type { CustomerList } from './customer.list.ts'
import type { CustomerRow } from './customer.model.ts'
import { presentEvent } from './customer.presenter.ts'

const fields = {
  ...exportFieldsOf(Object.keys(Customer.omit({ photoUrl: true }).shape)),
  address: Object.keys(Address.shape),
}

/** Customers as files. */
export const customerExport = (list: CustomerList): Exportable<CustomerRow> => ({
  kind: 'export',
  name: 'customers',
  list,
  fields,
  present: (rows) => rows.map(presentEvent),
})

export const newCustomerExport = (list: CustomerList) => exportBody('NewCustomerExport', list, fields)
