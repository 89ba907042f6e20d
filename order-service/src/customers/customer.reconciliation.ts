import { CustomerStates } from '@clientele/contracts/customer'
import { pageReconciliationTask } from '@clientele/features/reconciliation/page-reconciliation'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { CustomerProjection } from './customer.projection.ts'

type Deps = { customerServiceInternalUrl: string; customers: CustomerProjection; log: Log }

/**
 * Compares the projection of customers with customer-service at the start and once a day, and every ten minutes while names are
 * missing. A replica of the previous release, which does not know the names, may leave an old one.
 */
export const customerReconciliationTask = ({ customerServiceInternalUrl, customers, log }: Deps): Task =>
  pageReconciliationTask({
    name: 'customer-reconciliation',
    service: 'customer-service',
    records: 'customers',
    url: `${customerServiceInternalUrl}/customers`,
    schema: CustomerStates,
    isNeeded: customers.lacksNames,
    anywayAfterMs: 24 * 3_600_000,
    store: customers.storeAll,
    log,
  })
