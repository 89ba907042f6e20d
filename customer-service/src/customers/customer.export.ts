import { Address, Customer } from '@clientele/contracts/customer'
import { photoLinkFields } from '@clientele/contracts/media'
import type { Exportable } from '@clientele/features/exports/export.jobs'
import { exportBody, exportFieldsOf } from '@clientele/features/exports/export-fields'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { CustomerList } from './customer.list.ts'
import type { CustomerRow } from './customer.model.ts'
import { presentEventData } from './customer.presenter.ts'

const fields = {
  ...exportFieldsOf(Object.keys(Customer.omit(photoLinkFields).shape)),
  address: Object.keys(Address.shape),
}

/** What an export of customers contains. */
export const customerExport = (list: CustomerList, userNames: UserNames): Exportable<CustomerRow> => ({
  kind: 'export',
  name: 'customers',
  list,
  fields,
  present: async (rows, tx) => (await userNames.withCurrentNames(rows, tx)).map(presentEventData),
})

export const newCustomerExport = (list: CustomerList) => exportBody('NewCustomerExport', list, fields)
