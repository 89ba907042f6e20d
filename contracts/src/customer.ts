import { z } from 'zod'
import { batchResult, maxBatchItems } from './batch.ts'
import { email } from './email.ts'
import { event } from './event.ts'
import {
  ActorRef,
  deletedAt,
  documentedAs,
  line,
  metadata,
  paragraph,
  phone,
  readOnly,
  recordKey,
  stamps,
  time,
  uuid,
} from './fields.ts'
import { photoLinkFields, photoLinks, photoMediaIdInput } from './media.ts'

export const Address = z
  .strictObject({
    street: paragraph(300).optional(),
    city: line(100).optional(),
    postalCode: line(20).optional(),
    region: line(100).optional(),
    country: z
      .string()
      .trim()
      .toUpperCase()
      .regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code')
      .optional(),
  })
  .meta({ id: 'Address' })

/** A tag of a customer. */
export const customerTag = line(50).meta({ example: 'wholesale' })
const locale = z
  .string()
  .regex(/^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?$/, 'must be a BCP 47 tag such as en or pt-BR')
  .meta({ example: 'en' })

const fields = {
  externalId: recordKey(100).nullish().meta({
    example: 'shop-17',
    description:
      'The id of the customer in your own system. It is unique among customers that are not in the trash. It must not contain `/` or `\\`, because paths name the customer by it.',
  }),
  name: line(200).nullish().meta({ example: 'Ana' }),
  surname: line(200).nullish().meta({ example: 'Lovelace' }),
  email: email.nullish(),
  phone: phone.nullish(),
  photoMediaId: photoMediaIdInput,
  tags: z.array(customerTag).max(50).nullish(),
  address: Address.nullish(),
  locale: locale.nullish(),
  smsOptOut: z.boolean().nullish(),
  metadata: metadata.nullish(),
}

/** The body of POST and PUT. The deployment decides which of name, surname, e-mail and phone are required. */
export const NewCustomer = z.strictObject(fields).meta({ id: 'NewCustomer' })
export type NewCustomer = z.infer<typeof NewCustomer>

const AddressPatch = z
  .strictObject({
    street: Address.shape.street.nullable(),
    city: Address.shape.city.nullable(),
    postalCode: Address.shape.postalCode.nullable(),
    region: Address.shape.region.nullable(),
    country: Address.shape.country.nullable(),
  })
  .meta({ id: 'AddressPatch' })

/** The body of PATCH, a JSON Merge Patch (RFC 7396): null empties a field, also inside `address` and `metadata`. */
export const CustomerPatch = z
  .strictObject({ ...fields, address: AddressPatch.nullish() })
  .meta({ id: 'CustomerPatch' })
export type CustomerPatch = z.infer<typeof CustomerPatch>

export const Customer = z
  .object({
    id: readOnly(uuid),
    code: z.string().meta({ example: 'CUS-000123', readOnly: true }),
    externalId: z.string().nullable(),
    name: z.string().nullable(),
    surname: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable().meta({ description: 'In E.164 format, such as `+254711000111`.' }),
    photoMediaId: uuid.nullable(),
    ...photoLinks,
    tags: z.array(z.string()),
    userId: z
      .string()
      .nullable()
      .meta({ description: 'The id of the user that is linked to the customer.', readOnly: true }),
    address: Address.nullable(),
    locale: z.string().nullable(),
    smsOptOut: z.boolean(),
    metadata: z.record(z.string(), z.unknown()),
    ...stamps,
    deletedAt: deletedAt('customer'),
  })
  .meta({ id: 'Customer' })
export type Customer = z.infer<typeof Customer>

export const CustomerPhoto = z.strictObject({ mediaId: uuid }).meta({ id: 'CustomerPhoto' })
export type CustomerPhoto = z.infer<typeof CustomerPhoto>

/** A user who created or changed a customer. `edits` includes the creation. */
export const CustomerEditor = z
  .object({ user: ActorRef, firstAt: time, lastAt: time, edits: z.int().min(1) })
  .meta({ id: 'CustomerEditor' })
export type CustomerEditor = z.infer<typeof CustomerEditor>

/** Counts of customers. All but `inTrash` are of customers that are not in the trash. */
export const CustomerSummary = z
  .object({
    total: z.int().min(0),
    newToday: z.int().min(0),
    newThisWeek: z.int().min(0),
    newThisMonth: z.int().min(0),
    withPhoto: z.int().min(0),
    inTrash: z.int().min(0),
    timeZone: z.string().meta({ example: 'Africa/Nairobi' }),
    countedAt: time,
  })
  .meta({ id: 'CustomerSummary' })
export type CustomerSummary = z.infer<typeof CustomerSummary>

/** Tags with the number of customers that have them, most used first. `total` is the number of tags that were found. */
export const TagCounts = z
  .object({
    data: z.array(z.object({ tag: z.string().meta({ example: 'wholesale' }), customers: z.int().min(1) })),
    total: z.int().min(0),
    countedAt: time,
  })
  .meta({ id: 'TagCounts' })
export type TagCounts = z.infer<typeof TagCounts>

/** The fields by which a path can name a customer, besides its id. */
export const CustomerIdBy = z.enum(['email', 'code', 'externalId'])
export type CustomerIdBy = z.infer<typeof CustomerIdBy>

// The types of keys, fields and tags are wide here. They are checked for each item, so that an invalid value fails only its item.
const ref = {
  id: z.string().max(300).meta({ format: 'uuid' }).optional(),
  key: z.string().max(300).optional(),
  idBy: CustomerIdBy.optional(),
}
const fieldsOf = (schema: 'NewCustomer' | 'CustomerPatch') =>
  z.record(z.string(), z.unknown()).meta(documentedAs({ $ref: `#/components/schemas/${schema}` }))
const version = z.int().min(1).optional()
/** The tags of an item with `op: 'tag'`. */
export const CustomerTags = z.strictObject({
  add: z.array(customerTag).optional(),
  remove: z.array(customerTag).optional(),
})
/** One change in a batch. It names its customer by `id`, or by `key` with `idBy`; a restore only by `id`. */
export const BatchItem = z
  .discriminatedUnion('op', [
    z.strictObject({ op: z.literal('create'), data: fieldsOf('NewCustomer') }).meta({ id: 'CustomerBatchCreate' }),
    z
      .strictObject({ op: z.literal('update'), ...ref, data: fieldsOf('CustomerPatch'), version })
      .meta({ id: 'CustomerBatchUpdate' }),
    z.strictObject({ op: z.literal('delete'), ...ref, version }).meta({ id: 'CustomerBatchDelete' }),
    z
      .strictObject({ op: z.literal('restore'), id: z.string().max(300).meta({ format: 'uuid' }), version })
      .meta({ id: 'CustomerBatchRestore' }),
    z
      .strictObject({
        op: z.literal('tag'),
        ...ref,
        add: z.array(z.string()).max(50).optional(),
        remove: z.array(z.string()).max(50).optional(),
      })
      .meta({ id: 'CustomerBatchTag' }),
  ])
  .meta({ id: 'CustomerBatchItem' })
export type BatchItem = z.infer<typeof BatchItem>
export const CustomerBatch = z
  .strictObject({ items: z.array(BatchItem).min(1).max(maxBatchItems) })
  .meta({ id: 'CustomerBatch' })
export type CustomerBatch = z.infer<typeof CustomerBatch>

export const CustomerBatchResult = batchResult('CustomerBatch', { customer: Customer.optional() })
export type CustomerBatchResult = z.infer<typeof CustomerBatchResult>

const CustomerEventData = Customer.omit(photoLinkFields)
/** A customer as events contain it: without the signed links to its photo. */
export type CustomerEventData = z.infer<typeof CustomerEventData>
export const customerCreated = event('customer.created.v1', CustomerEventData)
export const customerUpdated = event('customer.updated.v1', CustomerEventData)
export const customerDeleted = event('customer.deleted.v1', CustomerEventData)
export const customerRestored = event('customer.restored.v1', CustomerEventData)
/** The customer was purged. The event contains no personal data. */
export const customerPurged = event('customer.purged.v1', CustomerEventData)
export const customerEvents = [customerCreated, customerUpdated, customerDeleted, customerRestored, customerPurged]

/** What other services keep of a customer that was not purged. */
export const CustomerState = z.object({
  id: uuid,
  version: z.int(),
  code: z.string(),
  name: z.string().nullable(),
  surname: z.string().nullable(),
  deletedAt: time.nullable(),
})
export type CustomerState = z.infer<typeof CustomerState>
/** The response of `GET /customers` on customer-service's internal port: by id, at most 1,000 after the id `after`. */
export const CustomerStates = z.object({ data: z.array(CustomerState).max(1_000) })
