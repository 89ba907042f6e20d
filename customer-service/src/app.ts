import { createExportService, type ExportRouteDeps, exportRoute } from '@clientele/features/exports/export.routes'
import { createImports, importJobs } from '@clientele/features/imports/create-imports'
import { type ImportRouteDeps, importRoutes } from '@clientele/features/imports/import.routes'
import { createJobs } from '@clientele/features/jobs/create-jobs'
import { type JobRouteDeps, jobRoutes } from '@clientele/features/jobs/job.routes'
import { createMediaClient } from '@clientele/features/photos/media.client'
import { createMediaLink } from '@clientele/features/photos/media-link'
import type { Verifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { type Api, createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import type { CustomerConfig } from './config.ts'
import { mediaGone } from './consumers/media-gone.consumer.ts'
import { userSignedUp } from './consumers/sign-ups.consumer.ts'
import { userChanged } from './consumers/user-names.consumer.ts'
import { createBatch } from './customers/customer.batch.ts'
import { createBulkWriter } from './customers/customer.bulk.ts'
import { createEditors } from './customers/customer.editors.ts'
import { newCustomerExport } from './customers/customer.export.ts'
import { createFinder } from './customers/customer.finder.ts'
import { createInputs } from './customers/customer.input.ts'
import { listOf } from './customers/customer.list.ts'
import { defineCustomers } from './customers/customer.model.ts'
import { type CustomerRouteDeps, customerRoutes } from './customers/customer.routes.ts'
import { createCustomerService } from './customers/customer.service.ts'
import { createSignUps } from './customers/customer.sign-up.ts'
import { createWriter } from './customers/customer.writer.ts'
import { createCustomerImport } from './imports/customer.import.ts'
import { customerPhotoRoutes, type PhotoRouteDeps } from './photos/photo.routes.ts'
import { createUserNames } from './users/user-name.projection.ts'

export const service = { service: 'customer-service', title: 'Customers' }
const jobsBase = '/v1/jobs'

/** All routes of the service. */
export const declareRoutes = (
  api: Api,
  deps: CustomerRouteDeps & PhotoRouteDeps & ImportRouteDeps & ExportRouteDeps & JobRouteDeps,
): void => {
  customerRoutes(api, deps)
  customerPhotoRoutes(api, deps)
  importRoutes(api, deps, { base: '/v1/imports', jobs: jobsBase })
  exportRoute(api, deps, {
    path: '/v1/exports',
    operationId: 'createExport',
    summary: 'Starts an export of customers',
    tag: 'Exports',
    kind: 'export',
    jobs: jobsBase,
    body: newCustomerExport(deps.list),
  })
  jobRoutes(api, deps, { base: jobsBase })
}

/** Puts the service together; nothing is connected or started here. */
export const createApp = ({
  config,
  db,
  verifier,
  log,
}: {
  config: CustomerConfig
  db: Db
  verifier: Verifier
  log: Log
}) => {
  const policy = { requiredFields: config.customerRequiredFields, defaultCountry: config.defaultCountry }
  const inputs = createInputs(policy)
  const list = listOf(policy)
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
  const jobs = createJobs({ db, config, log, program, kinds: [...importJobs, 'export'], base: jobsBase })
  const target = createCustomerImport({ inputs, finder, bulk: createBulkWriter({ db, model }), userNames })
  const imports = createImports({ db, config, log, target, jobs })

  const api = createApi({ ...service, verifier, db, log, config })
  const batch = createBatch(customers, inputs)
  declareRoutes(api, {
    customers,
    batch,
    inputs,
    list,
    media,
    photoLink,
    ...imports,
    exports: createExportService({ db, jobs: jobs.service }),
    jobs: jobs.service,
  })
  return {
    app: api.app(),
    bulkEventsPerSecond: config.importEventsPerSecond,
    tasks: [...jobs.tasks, ...imports.tasks],
    consumers: [userChanged({ userNames }), userSignedUp({ signUps }), mediaGone({ customers })],
    close: media.close,
  }
}
