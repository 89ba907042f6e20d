import type { Db, Tx } from '@clientele/platform/data/db'
import { upsertIfNewer } from '@clientele/platform/data/projection'
import type { InferAttributes } from 'sequelize'
import { type CustomerModel, defineCustomers } from './customer.model.ts'
import type { PurgedCustomers } from './purged-customer.model.ts'

export type CustomerState = InferAttributes<CustomerModel>
export type CustomerStates = ReturnType<typeof createCustomerStates>

/** The customers that an order may name, as known by the events of customer-service. */
export const createCustomerStates = ({ db, purged }: { db: Db; purged: PurgedCustomers }) => {
  const model = defineCustomers(db.sequelize)
  return {
    /** Ignores what is older than what is known. A purged customer is queued to be removed from its orders. */
    upsertIfNewer: async (customer: CustomerState, tx: Tx): Promise<void> => {
      await upsertIfNewer(model, customer, tx, { final: (row) => `${row}.state = 'purged'` })
      if (customer.state === 'purged')
        await purged.bulkCreate([{ customerId: customer.id }], { ignoreDuplicates: true, transaction: tx })
    },

    isKnown: async (id: string): Promise<boolean> =>
      (await model.count({ where: { id }, transaction: db.requestTransaction() ?? null })) > 0,
  }
}
