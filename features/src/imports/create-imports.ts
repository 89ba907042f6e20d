import type { Db } from '@clientele/platform/data/db'
import type { Upload } from '@clientele/platform/http/route-definition'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { Jobs } from '../jobs/create-jobs.ts'
import { importSweep } from './import.cleanup.ts'
import type { ImportConfig } from './import.config.ts'
import { createImportService, type ImportService } from './import.service.ts'
import { type ImportUpload, importUploads } from './import.uploads.ts'
import type { AnyTarget } from './import-target.ts'

/** The kinds of jobs that imports need; `importKinds` makes them in the job process. */
export const importJobs = ['import.check', 'import', 'import.undo']

/** What a service with imports has besides jobs: what the routes call, and its task. */
export type Imports = { imports: ImportService; uploads: Record<string, Upload<ImportUpload>>; tasks: Task[] }

type Options = { db: Db; config: ImportConfig; log: Log; target: AnyTarget; jobs: Jobs }

export const createImports = ({ db, config, log, target, jobs }: Options): Imports => {
  const { files, service, table: jobTable } = jobs
  const { jobKeepHours: keepHours, importMaxBytes: maxBytes } = config
  return {
    imports: createImportService({ db, target, files, jobs: service, jobTable, keepHours, maxBytes }),
    uploads: importUploads({ files, config }),
    tasks: [importSweep(db, log)],
  }
}
