import type { Db } from './db.ts'
import type { Upload } from './declaration.ts'
import type { Task } from './every.ts'
import type { ImportConfig } from './import-config.ts'
import { createImportService, type ImportService } from './import-service.ts'
import { importSweep } from './import-sweep.ts'
import type { AnyTarget } from './import-target.ts'
import { type ImportUpload, importUploads } from './import-upload.ts'
import type { Jobs } from './jobs.ts'
import type { Log } from './log.ts'

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
