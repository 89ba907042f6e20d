/** A customer as its only writer knows it; `known` is false once a change was left without an answer. */
export type KnownCustomer = {
  id: string
  version: number
  state: 'active' | 'trash' | 'purged'
  mark: string
  photo: string | null
  known: boolean
}
export type KnownUser = {
  id: string
  username: string
  surname: string
  enabled: boolean
  admin: boolean
  state: 'there' | 'deleted'
  known: boolean
}

/** An order as its only writer knows it. */
export type KnownOrder = {
  id: string
  lines: { productId: string; quantity: number }[]
  state: 'placed' | 'fulfilled' | 'cancelled'
  known: boolean
}
/** `delivered`: all that ever came in. */
export type KnownProduct = { id: string; delivered: number; known: boolean }

/** An acknowledged change, and the event that there must be for it. */
export type Change = { subject: string; version: number; type: string }

/** Everything that the product has acknowledged. */
export const createLedger = () => {
  const writes = { users: 0, lostOrders: 0 }
  const customers: KnownCustomer[] = []
  const users: KnownUser[] = []
  const changes: Change[] = []
  const uploads: { id: string; sha256: string }[] = []
  const orders: KnownOrder[] = []
  const products: KnownProduct[] = []
  const signUps: { email: string; createCustomer: boolean }[] = []
  return {
    customers,
    users,
    changes,
    uploads,
    signUps,
    orders,
    products,
    /** The writes so far. */
    size: (): number => changes.length + uploads.length + signUps.length + orders.length + writes.users,
    /** Orders of which nobody knows whether they were placed. */
    lostOrders: (): number => writes.lostOrders,
    lostOrder: (): void => {
      writes.lostOrders += 1
    },
    userChanged: (): void => {
      writes.users += 1
    },
    /** A change of a customer that was acknowledged, or turned out to have been made. */
    applied: (customer: KnownCustomer, verb: string): void => {
      customer.version += 1
      changes.push({ subject: customer.id, version: customer.version, type: `customer.${verb}.v1` })
    },
  }
}
export type Ledger = ReturnType<typeof createLedger>
