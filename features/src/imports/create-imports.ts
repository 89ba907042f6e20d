import type { Db } from '@clientele/platform/data/db'
import type { Upload } from '@clientele/platform/http/route-definition'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { Jobs } from '../jobs/create-jobs.ts'
import { importCleanupTask } from './import.cleanup.ts'
import type { ImportConfig } from './import.config.ts'
import { createImportService, type ImportService } from './import.service.ts'
import { createImportUploads, type ImportUpload } from './import.uploads.ts'
import type { AnyTarget } from './import-target.ts'

/** The names of the job kinds of imports. `createImportJobKinds` creates the kinds in the worker process. */
export const importJobKinds = ['import.check', 'import', 'import.undo']

/** The parts of a service that has imports, in addition to jobs. */
export type Imports = { imports: ImportService; uploads: Record<string, Upload<ImportUpload>>; tasks: Task[] }

type Options = { db: Db; config: ImportConfig; log: Log; target: AnyTarget; jobs: Jobs }

/** Creates the parts. They are not started. */
export const createImports = ({ db, config, log, target, jobs }: Options): Imports => {
  const { files, quota, service, userNames, table: jobTable } = jobs
  const { jobKeepHours: keepHours, importMaxBytes: maxBytes } = config
  return {
    imports: createImportService({ db, target, files, jobs: service, jobTable, userNames, keepHours, maxBytes }),
    uploads: createImportUploads({ db, files, quota, config, takesContacts: target.takesContacts ?? false }),
    tasks: [importCleanupTask(db, log)],
  }
}
