import type { Customer, CustomerPatch, NewCustomer } from '@clientele/contracts/customer'
import { line } from '@clientele/contracts/fields'
import type { Page } from '@clientele/contracts/page'
import type { MediaClient } from '@clientele/features/photos/media.client'
import type { MediaLink } from '@clientele/features/photos/media-link'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { UserNames } from '../users/user-name.projection.ts'
import { type CustomerFields, distinctTags, fieldsOf, patchedFields, replacementOf } from './customer.change.ts'
import { orDuplicate } from './customer.duplicate.ts'
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

/** Who asks, and the version that they know of. */
type Access = { actor: Actor; ifMatch?: number | undefined }
/** `mustExist`: an `If-Match` was sent, be it `*`, so nothing may be made. */
type PutAccess = Access & { mustExist?: boolean }

const externalIdOf = (key: string, input: NewCustomer): string => {
  if (typeof input.externalId === 'string' && input.externalId !== key)
    throw fieldProblem('/externalId', 'mismatch', 'must be the one in the address, or absent')
  if (!line(100).safeParse(key).success)
    throw fieldProblem('/externalId', 'too_big', 'must have at most 100 characters')
  return key
}

export type CustomerService = ReturnType<typeof createCustomerService>

export const createCustomerService = ({ db, finder, writer, editors, userNames, media, photoLink, list }: Deps) => {
  const present = (row: CustomerRow): Customer => presentCustomer(row, photoLink)

  const change = async (
    key: CustomerKey,
    { actor, ifMatch }: Access,
    edit: (row: CustomerRow) => Partial<CustomerFields>,
  ): Promise<Customer> => {
    let wanted: Partial<CustomerFields> | undefined
    return db
      .transaction(async (tx) => {
        const row = await finder.lock(key, tx, { ifMatch })
        wanted = edit(row)
        return present(await writer.apply(row, wanted, actor, tx))
      })
      .catch((error: unknown) => orDuplicate(finder, wanted)(error))
  }

  const requirePhoto = async (mediaId: string | null | undefined, actor: Actor, pointer: string): Promise<void> => {
    if (typeof mediaId === 'string' && !(await media.exists(mediaId, actor)))
      throw fieldProblem(pointer, 'unknown_media', 'there is no such medium')
  }

  const create = async (input: NewCustomer, actor: Actor, { uploaded = false } = {}): Promise<Customer> => {
    if (!uploaded) await requirePhoto(input.photoMediaId, actor, '/photoMediaId')
    const fields = fieldsOf(input)
    return db
      .transaction(async (tx) => present(await writer.insert(fields, actor, tx)))
      .catch(orDuplicate(finder, fields))
  }

  return {
    create,

    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Customer>> => {
      const { rows, page } = await list.run(db, query, { actor })
      return { data: (await userNames.inRows(rows)).map(present), page }
    },

    get: async (key: CustomerKey): Promise<Customer> => present(await finder.get(key)),

    row: finder.get,

    editors: async (key: CustomerKey, query: Record<string, unknown>) =>
      editors.list((await finder.get(key)).id, query),

    patch: async (key: CustomerKey, patch: CustomerPatch, access: Access): Promise<Customer> => {
      await requirePhoto(patch.photoMediaId, access.actor, '/photoMediaId')
      return change(key, access, (row) => patchedFields(row, patch))
    },

    /** PUT; by `externalId` it makes the customer where there is none. */
    put: async (
      key: CustomerKey,
      input: NewCustomer,
      { mustExist = false, ...access }: PutAccess,
    ): Promise<{ customer: Customer; created: boolean }> => {
      await requirePhoto(input.photoMediaId, access.actor, '/photoMediaId')
      const replace = async (body: NewCustomer) => ({
        customer: await change(key, access, (row) => replacementOf(row, body)),
        created: false,
      })
      if (key.idBy !== 'externalId') return replace(input)
      const named = { ...input, externalId: externalIdOf(key.key, input) }
      if (await finder.find(key)) return replace(named)
      if (mustExist) throw new Problem('precondition_failed', { detail: 'there is no such customer yet' })
      return create(named, access.actor, { uploaded: true }).then(
        (customer) => ({ customer, created: true }),
        // Somebody else made it a moment ago.
        async (error: unknown) => {
          const mine = error instanceof Problem && error.options.errors?.[0]?.pointer === '/externalId'
          if (!mine || error.code !== 'duplicate') throw error
          return replace(named)
        },
      )
    },

    tag: (
      key: CustomerKey,
      { add = [], remove = [] }: { add?: string[] | undefined; remove?: string[] | undefined },
      access: Access,
    ) =>
      change(key, access, (row) => ({
        tags: distinctTags([...row.tags, ...add].filter((tag) => !remove.includes(tag))),
      })),

    setPhoto: async (
      key: CustomerKey,
      mediaId: string | null,
      access: Access,
      { uploaded = false } = {},
    ): Promise<Customer> => {
      if (!uploaded) await requirePhoto(mediaId, access.actor, '/mediaId')
      return change(key, access, () => ({ photoMediaId: mediaId }))
    },

    /** Takes a medium that is gone off every customer that shows it, in the trash as well. */
    dropPhoto: async (mediaId: string, actor: Actor, tx: Tx): Promise<void> => {
      for (;;) {
        const rows = await finder.lockByPhoto(mediaId, tx)
        for (const row of rows) await writer.apply(row, { photoMediaId: null }, actor, tx)
        if (rows.length === 0) return
      }
    },

    remove: (key: CustomerKey, { actor, ifMatch }: Access): Promise<string> =>
      db.transaction(async (tx) => {
        const row = await finder.lock(key, tx, { ifMatch })
        return (await writer.trash(row, actor, tx)).id
      }),

    restore: async (key: CustomerKey, { actor, ifMatch }: Access): Promise<Customer> => {
      let row: CustomerRow | undefined
      return db
        .transaction(async (tx) => {
          row = await finder.lock(key, tx, { state: 'any', ifMatch })
          if (row.deletedAt === null) throw new Problem('invalid_state', { detail: 'the customer is not in the trash' })
          return present(await writer.restore(row, actor, tx))
        })
        .catch((error: unknown) => orDuplicate(finder, row)(error))
    },

    /** Removes for good, from the trash as well; an e-mail or externalId names only an active customer. */
    purge: (key: CustomerKey, { actor, ifMatch }: Access): Promise<void> =>
      db.transaction(async (tx) => {
        const state = key.idBy === 'email' || key.idBy === 'externalId' ? 'active' : 'any'
        await writer.purge(await finder.lock(key, tx, { state, ifMatch }), actor, tx)
      }),
  }
}
