import type { Customer, CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import { line } from '@clientele/contracts/fields'
import type { Page } from '@clientele/contracts/page'
import type { MediaClient } from '@clientele/features/photos/media.client'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { createPhotoCheck, photoOf } from '@clientele/features/photos/photo-check'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { IfMatch } from '@clientele/platform/http/if-match'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import { applyPatch, type CustomerFields, newFields, replacementFields, uniqueTags } from './customer.change.ts'
import { rethrowAsDuplicate } from './customer.duplicate.ts'
import type { Editors } from './customer.editors.ts'
import type { CustomerKey, Finder } from './customer.finder.ts'
import type { CustomerList } from './customer.list.ts'
import type { CustomerRow } from './customer.model.ts'
import { presentCustomer } from './customer.presenter.ts'
import type { Writer } from './customer.writer.ts'

type Deps = {
  db: Db
  finder: Finder
  writer: Writer
  editors: Editors
  userNames: UserNames
  media: MediaClient
  photoLink: MediaLink
  list: CustomerList
}

/** The caller, and the version of `If-Match`. */
type Access = { actor: Actor; ifMatch?: IfMatch }
/** `mustExist`: an `If-Match` was sent, even if it is `*`, so no customer may be created. */
type ReplaceAccess = Access & { mustExist?: boolean }

const externalIdOf = (key: string, input: NewCustomer): string => {
  if (typeof input.externalId === 'string' && input.externalId !== key)
    throw fieldProblem('/externalId', 'mismatch', 'must be the external id of the path, or absent')
  if (!line(100).safeParse(key).success)
    throw fieldProblem('/externalId', 'too_big', 'must have at most 100 characters')
  return key
}

export type CustomerService = ReturnType<typeof createCustomerService>

export const createCustomerService = ({ db, finder, writer, editors, userNames, media, photoLink, list }: Deps) => {
  const present = (row: CustomerRow): Customer => presentCustomer(row, photoLink)

  /** Changes a customer without a lock or, if somebody else has changed it in between, once more with one. */
  const change = async (
    key: CustomerKey,
    { actor, ifMatch }: Access,
    edit: (row: CustomerRow) => Partial<CustomerFields>,
  ): Promise<Customer> => {
    let fields: Partial<CustomerFields> | undefined
    const write = (row: CustomerRow, tx?: Tx) => {
      fields = edit(row)
      return writer.update(row, fields, actor, tx)
    }
    const writeLocked = (tx: Tx) => finder.lock(key, tx, { ifMatch }).then((row) => write(row, tx))
    const written = async () => (await write(await finder.get(key, 'active', ifMatch))) ?? db.transaction(writeLocked)
    const next = await written().catch((error: unknown) => rethrowAsDuplicate(finder, fields)(error))
    if (!next) throw new Error('a customer has changed although it was locked')
    return present(next)
  }

  const { requirePhoto, requirePhotoFor } = createPhotoCheck({ media, find: (key: CustomerKey) => finder.get(key) })

  /** With `uploaded`, the photo is known to exist and is not checked. */
  const create = async (input: NewCustomer, actor: Actor, { uploaded = false } = {}): Promise<Customer> => {
    if (!uploaded) await requirePhoto(photoOf(input), actor)
    const fields = newFields(input)
    return present(await writer.insert(fields, actor).catch(rethrowAsDuplicate(finder, fields)))
  }

  return {
    create,

    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Customer>> => {
      const { rows, page } = await list.run(db, query, { actor })
      return { data: (await userNames.withCurrentNames(rows)).map(present), page }
    },

    /** With `trashed`, also finds a customer in the trash. */
    get: async (key: CustomerKey, { trashed = false } = {}): Promise<Customer> =>
      present(await finder.get(key, trashed ? 'any' : 'active')),

    /** The stored row, for the photo routes. */
    row: (key: CustomerKey): Promise<CustomerRow> => finder.get(key),

    editors: async (key: CustomerKey, query: Record<string, unknown>) =>
      editors.list((await finder.get(key)).id, query),

    update: async (key: CustomerKey, patch: CustomerPatch, access: Access): Promise<Customer> => {
      await requirePhotoFor(key, photoOf(patch), access.actor)
      return change(key, access, (row) => applyPatch(row, patch))
    },

    /** PUT. By `externalId`, creates the customer if there is none. */
    replace: async (
      key: CustomerKey,
      input: NewCustomer,
      { mustExist = false, ...access }: ReplaceAccess,
    ): Promise<{ customer: Customer; created: boolean }> => {
      if (key.idBy === 'externalId') await requirePhoto(photoOf(input), access.actor)
      else await requirePhotoFor(key, photoOf(input), access.actor)
      const replace = async (body: NewCustomer) => ({
        customer: await change(key, access, (row) => replacementFields(row, body, key.idBy)),
        created: false,
      })
      if (key.idBy !== 'externalId') return replace(input)
      const body = { ...input, externalId: externalIdOf(key.key, input) }
      if (await finder.find(key)) return replace(body)
      if (mustExist) throw new Problem('precondition_failed', { detail: 'customer not found' })
      // The photo was checked above.
      return create(body, access.actor, { uploaded: true }).then(
        (customer) => ({ customer, created: true }),
        // Another request has created it in the meantime.
        async (error: unknown) => {
          const lostRace = error instanceof Problem && error.options.errors?.[0]?.pointer === '/externalId'
          if (!lostRace || error.code !== 'duplicate') throw error
          return replace(body)
        },
      )
    },

    tag: (
      key: CustomerKey,
      { add = [], remove = [] }: { add?: string[] | undefined; remove?: string[] | undefined },
      access: Access,
    ) =>
      change(key, access, (row) => ({
        tags: uniqueTags([...row.tags, ...add].filter((tag) => !remove.includes(tag))),
      })),

    setPhoto: async (
      key: CustomerKey,
      mediaId: string | null,
      access: Access,
      { uploaded = false } = {},
    ): Promise<Customer> => {
      if (!uploaded) await requirePhotoFor(key, { mediaId, pointer: '/mediaId' }, access.actor)
      return change(key, access, () => ({ photoMediaId: mediaId }))
    },

    /** Clears the photo of every customer that shows an image, also in the trash. */
    clearPhoto: async (mediaId: string, actor: Actor, tx: Tx): Promise<void> => {
      for (;;) {
        const rows = await finder.lockByPhoto(mediaId, tx)
        for (const row of rows) await writer.update(row, { photoMediaId: null }, actor, tx)
        if (rows.length === 0) return
      }
    },

    /** Moves a customer to the trash. @returns its id */
    delete: (key: CustomerKey, { actor, ifMatch }: Access): Promise<string> =>
      db.transaction(async (tx) => {
        const row = await finder.lock(key, tx, { ifMatch })
        return (await writer.delete(row, actor, tx)).id
      }),

    restore: async (key: CustomerKey, { actor, ifMatch }: Access): Promise<Customer> => {
      let row: CustomerRow | undefined
      return db
        .transaction(async (tx) => {
          row = await finder.lockTrashed(key, tx, ifMatch)
          return present(await writer.restore(row, actor, tx))
        })
        .catch((error: unknown) => rethrowAsDuplicate(finder, row)(error))
    },

    /** Purges a customer, which may be in the trash. An e-mail or external id finds only active customers. */
    purge: (key: CustomerKey, { actor, ifMatch }: Access): Promise<void> =>
      db.transaction(async (tx) => {
        const state = key.idBy === 'email' || key.idBy === 'externalId' ? 'active' : 'any'
        await writer.purge(await finder.lock(key, tx, { state, ifMatch }), actor, tx)
      }),
  }
}
