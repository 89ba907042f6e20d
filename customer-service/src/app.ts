import { createExportService, type ExportRouteDeps, exportRoute } from '@clientele/features/exports/export.routes'
import { createImports, importJobKinds } from '@clientele/features/imports/create-imports'
import { type ImportRouteDeps, importRoutes } from '@clientele/features/imports/import.routes'
import { createJobs } from '@clientele/features/jobs/create-jobs'
import { type JobRouteDeps, jobRoutes } from '@clientele/features/jobs/job.routes'
import { createMediaClient } from '@clientele/features/photos/media.client'
import { createMediaLink } from '@clientele/features/photos/media-link'
import { jobNames, nameErasureTask, stampNames } from '@clientele/features/users/name-erasure'
import { userNameConsumer, userNameProjection } from '@clientele/features/users/user-names.consumer'
import { userReconciliationTask } from '@clientele/features/users/user-reconciliation'
import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { createUserNames } from '@clientele/platform/data/user-names'
import { type Api, createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import { bulkKinds } from './bulk/bulk.jobs.ts'
import { type BulkRouteDeps, bulkRoutes } from './bulk/bulk.routes.ts'
import { createBulkService } from './bulk/bulk.service.ts'
import { bulkCleanupTask } from './bulk/bulk.store.ts'
import type { CustomerConfig } from './config.ts'
import { mediaRemovedConsumer } from './consumers/media-removed.consumer.ts'
import { signUpConsumer } from './consumers/sign-ups.consumer.ts'
import { createBatch } from './customers/customer.batch.ts'
import { createBulkWriter } from './customers/customer.bulk.ts'
import { createEditors } from './customers/customer.editors.ts'
import { newCustomerExport } from './customers/customer.export.ts'
import { createFinder } from './customers/customer.finder.ts'
import { createInputs } from './customers/customer.input.ts'
import { createCustomerList } from './customers/customer.list.ts'
import { defineCustomers } from './customers/customer.model.ts'
import { type CustomerRouteDeps, customerRoutes } from './customers/customer.routes.ts'
import { customerSearchTextTask } from './customers/customer.search-text.ts'
import { createCustomerService } from './customers/customer.service.ts'
import { createSignUps } from './customers/customer.sign-up.ts'
import { createWriter } from './customers/customer.writer.ts'
import { internalRoutes } from './customers/internal.routes.ts'
import { createCustomerImport } from './imports/customer.import.ts'
import { customerPhotoRoutes, type PhotoRouteDeps } from './photos/photo.routes.ts'
import { type SummaryRouteDeps, summaryRoutes } from './summary/summary.routes.ts'
import { createSummaryService } from './summary/summary.service.ts'
import { type TagRouteDeps, tagRoutes } from './tags/tag.routes.ts'
import { createTagService } from './tags/tag.service.ts'

export const service = { service: 'customer-service', title: 'Customers' }
const jobsBase = '/v1/jobs'
const storedNames = [
  ...stampNames('customers'),
  { table: 'customer_editors', key: 'customer_id', id: 'user_id', name: 'user_name' },
  ...jobNames,
]

/** All routes of the service. */
export const declareRoutes = (
  api: Api,
  deps: CustomerRouteDeps &
    BulkRouteDeps &
    SummaryRouteDeps &
    TagRouteDeps &
    PhotoRouteDeps &
    ImportRouteDeps &
    ExportRouteDeps &
    JobRouteDeps,
): void => {
  customerRoutes(api, deps)
  bulkRoutes(api, deps, jobsBase)
  summaryRoutes(api, deps)
  tagRoutes(api, deps, jobsBase)
  customerPhotoRoutes(api, deps)
  importRoutes(api, deps, { base: '/v1/imports', jobs: jobsBase, records: 'customers' })
  exportRoute(api, deps, {
    path: '/v1/exports',
    operationId: 'createExport',
    summary: 'Create an export of customers',
    tag: 'Exports',
    kind: 'export',
    jobs: jobsBase,
    body: newCustomerExport(deps.list),
  })
  jobRoutes(api, deps, { base: jobsBase, work: 'imports, exports and bulk changes of customers' })
}

/** Wires the service. It connects to nothing and starts nothing. */
export const createApp = ({
  config,
  db,
  verifier,
  log,
}: {
  config: CustomerConfig
  db: Db
  verifier: TokenVerifier
  log: Log
}) => {
  const policy = { requiredFields: config.customerRequiredFields, defaultCountry: config.defaultCountry }
  const inputs = createInputs(policy)
  const list = createCustomerList(policy)
  const media = createMediaClient(config)
  const photoLink = createMediaLink(config)
  const model = defineCustomers(db.sequelize)
  const userNames = createUserNames(db)
  const finder = createFinder(db, model, userNames)
  const editors = createEditors(db, userNames)
  const writer = createWriter({ db, model, userNames })
  const customers = createCustomerService({ db, finder, writer, editors, userNames, media, photoLink, list })
  const signUps = createSignUps(writer, finder)
  const program = new URL('./jobs.ts', import.meta.url)
  const jobs = createJobs({
    name: service.service,
    db,
    config,
    log,
    program,
    kinds: [...importJobKinds, 'export', ...Object.values(bulkKinds)],
    userNames,
    base: jobsBase,
  })
  const target = createCustomerImport({ inputs, finder, bulk: createBulkWriter({ db, model }), userNames })
  const imports = createImports({ db, config, log, target, jobs })

  const api = createApi({ ...service, verifier, db, log, config })
  const batch = createBatch(customers, inputs)
  declareRoutes(api, {
    customers,
    batch,
    inputs,
    list,
    bulk: createBulkService({ db, list, jobs: jobs.service, maxCustomers: config.importMaxRows }),
    summary: createSummaryService({ db, shopTimeZone: config.shopTimeZone }),
    tags: createTagService({ db }),
    media,
    photoLink,
    ...imports,
    exports: createExportService({ db, jobs, exportsPerDay: config.exportsPerDay }),
    jobs: jobs.service,
  })
  return {
    app: api.app(),
    internal: internalRoutes(db),
    bulkEventsPerSecond: config.importEventsPerSecond,
    tasks: [
      ...jobs.tasks,
      ...imports.tasks,
      bulkCleanupTask(db, log),
      customerSearchTextTask({ db, log }),
      nameErasureTask(db, log, storedNames),
      userReconciliationTask({
        userServiceInternalUrl: config.userServiceInternalUrl,
        db,
        log,
        projections: [userNameProjection(userNames), ...jobs.projections],
      }),
    ],
    consumers: [
      userNameConsumer({ service: service.service, userNames }),
      signUpConsumer({ signUps }),
      mediaRemovedConsumer({ customers }),
      ...jobs.consumers,
    ],
    /** For tests. The process of a service just exits. */
    close: media.close,
  }
}
