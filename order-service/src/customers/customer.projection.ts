import type { Db, Tx } from '@clientele/platform/data/db'
import { upsertIfNewer } from '@clientele/platform/data/projection'
import type { InferAttributes } from 'sequelize'
import { type CustomerModel, defineCustomers } from './customer.model.ts'
import type { PurgedCustomers } from './purged-customer.model.ts'

export type CustomerState = InferAttributes<CustomerModel>
export type CustomerProjection = ReturnType<typeof createCustomerProjection>

/** The customers that orders may refer to, kept by the events of customer-service. */
export const createCustomerProjection = ({ db, purged }: { db: Db; purged: PurgedCustomers }) => {
  const model = defineCustomers(db.sequelize)
  return {
    /** Ignores versions older than the stored one. The orders of a purged customer are queued for anonymisation. */
    upsertIfNewer: async (customer: CustomerState, tx: Tx): Promise<void> => {
      await upsertIfNewer(model, customer, tx, { final: (row) => `${row}.state = 'purged'` })
      if (customer.state === 'purged')
        await purged.bulkCreate([{ customerId: customer.id }], { ignoreDuplicates: true, transaction: tx })
    },

    exists: async (id: string): Promise<boolean> =>
      (await model.count({ where: { id }, transaction: db.requestTransaction() ?? null })) > 0,
  }
}
