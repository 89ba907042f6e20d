import type { Customer, CustomerEventData } from '@clientele/contracts/customer'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { presentStamps } from '@clientele/platform/data/stamps'
import { currentFields } from './customer.change.ts'
import type { CustomerRow } from './customer.model.ts'

// jsonb does not keep the order of keys; an answer, and with it the ETag, is the same before and after storing.
const ordered = <T extends object>(value: T): T => {
  const names = Object.keys(value)
  if (names.every((name, index) => index === 0 || (names[index - 1] ?? '') < name)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) as T
}

/** A customer as it stands in events. */
export const presentEvent = (row: CustomerRow): CustomerEventData => ({
  id: row.id,
  code: row.code,
  ...currentFields(row),
  address: row.address && ordered(row.address),
  metadata: ordered(row.metadata),
  userId: row.userId,
  ...presentStamps(row),
  deletedAt: row.deletedAt?.toISOString() ?? null,
})

/** A customer as the API shows it. */
export const presentCustomer = (row: CustomerRow, photoLink: MediaLink): Customer =>
  Object.assign(presentEvent(row), {
    photoUrl: row.photoMediaId === null ? null : photoLink(row.photoMediaId, 'medium'),
  })

/** A purged customer: identifiers stay, so that others can let go of it; what tells of a person does not. */
export const presentPurged = (customer: CustomerEventData): CustomerEventData => ({
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
