import type { Customer, CustomerEventData } from '@clientele/contracts/customer'
import { type MediaLink, presentPhotoLinks } from '@clientele/features/photos/media-link'
import { presentStamps } from '@clientele/platform/data/stamps'
import { currentFields } from './customer.change.ts'
import type { CustomerRow } from './customer.model.ts'

// jsonb does not keep the order of keys. Sorted keys give the same response, and so the same ETag, before and after storing.
const sortKeys = <T extends object>(value: T): T => {
  const names = Object.keys(value)
  if (names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) as T
}

/** A customer as events carry it. */
export const presentEventData = (row: CustomerRow): CustomerEventData => ({
  id: row.id,
  code: row.code,
  ...currentFields(row),
  address: row.address && sortKeys(row.address),
  metadata: sortKeys(row.metadata),
  userId: row.userId,
  ...presentStamps(row),
  deletedAt: row.deletedAt?.toISOString() ?? null,
})

/** A customer as the API shows it. */
export const presentCustomer = (row: CustomerRow, photoLink: MediaLink): Customer =>
  Object.assign(presentEventData(row), presentPhotoLinks(row.photoMediaId, photoLink))

/** A purged customer without its personal data. The ids stay, so that consumers can remove their own data about it. */
export const presentPurgedData = (customer: CustomerEventData): CustomerEventData => ({
  ...customer,
  externalId: null,
  name: null,
  surname: null,
  email: null,
  phone: null,
  tags: [],
  address: null,
  locale: null,
  metadata: {},
})
