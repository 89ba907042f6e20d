import type { Exportable } from '@clientele/features/exports/export.jobs'
import { actorParts, exportBody } from '@clientele/features/exports/export-fields'
import type { CustomerList } from './customer.list.ts'
import type { CustomerRow } from './customer.model.ts'
import { presentEvent } from './customer.presenter.ts'

const fields = {
  id: [],
  code: [],
  externalId: [],
  name: [],
  surname: [],
  email: [],
  phone: [],
  tags: [],
  address: ['street', 'city', 'postalCode', 'region', 'country'],
  locale: [],
  smsOptOut: [],
  metadata: [],
  userId: [],
  photoMediaId: [],
  createdAt: [],
  createdBy: actorParts,
  updatedAt: [],
  updatedBy: actorParts,
  deletedAt: [],
  version: [],
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
