import { z } from 'zod'
import { event } from './event.ts'
import { ActorRef, email, line, metadata, paragraph, phone, stamps, time, uuid } from './fields.ts'
import { ProblemBody } from './problem.ts'

export const Address = z
  .strictObject({
    street: paragraph(300).optional(),
    city: line(100).optional(),
    postalCode: line(20).optional(),
    region: line(100).optional(),
    country: z
      .string()
      .toUpperCase()
      .regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code')
      .optional(),
  })
  .meta({ id: 'Address' })

const tag = line(50).meta({ example: 'wholesale' })
const locale = z
  .string()
  .regex(/^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$/, 'must be a BCP 47 tag such as en or pt-BR')
  .meta({ example: 'en' })

const fields = {
  externalId: line(100).nullish().meta({
    example: 'shop-17',
    description:
      'your own id; unique among customers that are not in the trash. One with `/` or `\\` cannot stand in an address: the filter and batches take it',
  }),
  name: line(200).nullish().meta({ example: 'Ana' }),
  surname: line(200).nullish().meta({ example: 'Lovelace' }),
  email: email.nullish(),
  phone: phone.nullish(),
  photoMediaId: uuid
    .nullish()
    .meta({ description: 'a medium of media-service. A PUT without it keeps the photo; null removes it' }),
  tags: z.array(tag).max(50).nullish(),
  address: Address.nullish(),
  locale: locale.nullish(),
  smsOptOut: z.boolean().nullish(),
  metadata: metadata.nullish(),
}

/** POST and PUT: which of name, surname, e-mail and phone are required is the deployment's policy. */
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

/** PATCH: JSON Merge Patch (RFC 7396): null empties a field, also inside `address` and `metadata`. */
export const CustomerPatch = z
  .strictObject({ ...fields, address: AddressPatch.nullish() })
  .meta({ id: 'CustomerPatch' })
export type CustomerPatch = z.infer<typeof CustomerPatch>

export const Customer = z
  .object({
    id: uuid,
    code: z.string().meta({ example: 'CUS-000123' }),
    externalId: z.string().nullable(),
    name: z.string().nullable(),
    surname: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable().meta({ description: 'E.164' }),
    photoMediaId: uuid.nullable(),
    photoUrl: z.string().nullable().meta({ description: 'a time-limited signed link that needs no header' }),
    tags: z.array(z.string()),
    userId: z.string().nullable(),
    address: Address.nullable(),
    locale: z.string().nullable(),
    smsOptOut: z.boolean(),
    metadata: z.record(z.string(), z.unknown()),
    ...stamps,
    deletedAt: time.nullable(),
  })
  .meta({ id: 'Customer' })
export type Customer = z.infer<typeof Customer>

export const CustomerPhoto = z.strictObject({ mediaId: uuid }).meta({ id: 'CustomerPhoto' })
export type CustomerPhoto = z.infer<typeof CustomerPhoto>

/** Somebody who created or changed a customer; `edits` counts the creation as well. */
export const CustomerEditor = z
  .object({ user: ActorRef, firstAt: time, lastAt: time, edits: z.int() })
  .meta({ id: 'CustomerEditor' })
export type CustomerEditor = z.infer<typeof CustomerEditor>

/** What a customer can be addressed by besides its id. */
export const CustomerIdBy = z.enum(['email', 'code', 'externalId'])
export type CustomerIdBy = z.infer<typeof CustomerIdBy>

// Keys, fields and tags are judged item by item, so that one wrong address fails one item and not the batch.
const ref = {
  id: z.string().max(300).meta({ format: 'uuid' }).optional(),
  key: z.string().max(300).optional(),
  idBy: CustomerIdBy.optional(),
}
const fieldsOf = (schema: 'NewCustomer' | 'CustomerPatch') =>
  z.record(z.string(), z.unknown()).meta({ override: { $ref: `#/components/schemas/${schema}` } })
/** The tags of a step `tag`. */
export const CustomerTags = z.strictObject({ add: z.array(tag).optional(), remove: z.array(tag).optional() })
/** One step of a batch. A customer is named by `id`, or by `key` with `idBy`. */
export const BatchItem = z
  .discriminatedUnion('op', [
    z.strictObject({ op: z.literal('create'), data: fieldsOf('NewCustomer') }),
    z.strictObject({ op: z.literal('update'), ...ref, data: fieldsOf('CustomerPatch'), version: z.int().optional() }),
    z.strictObject({ op: z.literal('delete'), ...ref, version: z.int().optional() }),
    z.strictObject({
      op: z.literal('tag'),
      ...ref,
      add: z.array(z.string()).max(50).optional(),
      remove: z.array(z.string()).max(50).optional(),
    }),
  ])
  .meta({ id: 'CustomerBatchItem' })
export type BatchItem = z.infer<typeof BatchItem>
export const CustomerBatch = z.strictObject({ items: z.array(BatchItem).min(1).max(500) }).meta({ id: 'CustomerBatch' })
export type CustomerBatch = z.infer<typeof CustomerBatch>

/** One result an item, in the items' order; `problem` where `status` is 400 or more. */
export const CustomerBatchResult = z
  .object({
    results: z.array(
      z.object({
        index: z.int(),
        status: z.int(),
        id: uuid.optional(),
        customer: Customer.optional(),
        problem: ProblemBody.optional(),
      }),
    ),
    counts: z.object({ succeeded: z.int(), failed: z.int() }),
  })
  .meta({ id: 'CustomerBatchResult' })
export type CustomerBatchResult = z.infer<typeof CustomerBatchResult>

const CustomerEventData = Customer.omit({ photoUrl: true })
/** A customer as events tell of it: without the signed link. */
export type CustomerEventData = z.infer<typeof CustomerEventData>
export const customerCreated = event('customer.created.v1', CustomerEventData)
export const customerUpdated = event('customer.updated.v1', CustomerEventData)
export const customerDeleted = event('customer.deleted.v1', CustomerEventData)
export const customerRestored = event('customer.restored.v1', CustomerEventData)
/** Gone for good: what identifies a person is emptied in its data. */
export const customerPurged = event('customer.purged.v1', CustomerEventData)
export const customerEvents = [customerCreated, customerUpdated, customerDeleted, customerRestored, customerPurged]
