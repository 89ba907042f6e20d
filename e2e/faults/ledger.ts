/** The expected state of a customer. `certain` is false once a change got no final response. */
export type CustomerState = {
  id: string
  version: number
  state: 'active' | 'trash' | 'purged'
  mark: string
  photo: string | null
  certain: boolean
}
export type UserState = {
  id: string
  username: string
  surname: string
  enabled: boolean
  admin: boolean
  state: 'active' | 'deleted'
  certain: boolean
}

/** The expected state of an order. */
export type OrderState = {
  id: string
  lines: { productId: string; quantity: number }[]
  state: 'placed' | 'fulfilled' | 'cancelled'
  certain: boolean
}
/** `delivered`: the sum of all deliveries. */
export type ProductState = { id: string; delivered: number; certain: boolean }

/** An acknowledged change and the event that must exist for it. */
export type Change = { subject: string; version: number; type: string }

/** Records all writes that the product has acknowledged. */
export const createLedger = () => {
  const writes = { users: 0, uncertainOrders: 0 }
  const customers: CustomerState[] = []
  const users: UserState[] = []
  const changes: Change[] = []
  const uploads: { id: string; sha256: string }[] = []
  const orders: OrderState[] = []
  const products: ProductState[] = []
  const signUps: { email: string; createCustomer: boolean }[] = []
  return {
    customers,
    users,
    changes,
    uploads,
    signUps,
    orders,
    products,
    /** The number of writes so far. */
    size: (): number => changes.length + uploads.length + signUps.length + orders.length + writes.users,
    /** Orders that may or may not have been placed, because no response came. */
    uncertainOrders: (): number => writes.uncertainOrders,
    addUncertainOrder: (): void => {
      writes.uncertainOrders += 1
    },
    addUserWrite: (): void => {
      writes.users += 1
    },
    /** Adds a change of a customer that was acknowledged, or that turned out to have been applied. */
    addChange: (customer: CustomerState, verb: string): void => {
      customer.version += 1
      changes.push({ subject: customer.id, version: customer.version, type: `customer.${verb}.v1` })
    },
  }
}
export type Ledger = ReturnType<typeof createLedger>
