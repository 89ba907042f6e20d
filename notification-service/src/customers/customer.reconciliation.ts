import { CustomerStates } from '@clientele/contracts/customer'
import { pageReconciliationTask } from '@clientele/features/reconciliation/page-reconciliation'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { CustomerProjection } from './customer.projection.ts'

type Deps = { customerServiceInternalUrl: string; customers: CustomerProjection; log: Log }

/** Reads the codes and surnames that the projection lacks from customer-service, at the start and every ten minutes. */
export const customerReconciliationTask = ({ customerServiceInternalUrl, customers, log }: Deps): Task =>
  pageReconciliationTask({
    name: 'customer-reconciliation',
    service: 'customer-service',
    records: 'customers',
    url: `${customerServiceInternalUrl}/customers`,
    schema: CustomerStates,
    isNeeded: customers.lacksCodes,
    store: customers.addCodes,
    log,
  })
