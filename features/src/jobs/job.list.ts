import type { ExportResult } from '@clientele/contracts/export'
import type { ActorRef } from '@clientele/contracts/fields'
import type { Job, JobError, JobStatus } from '@clientele/contracts/job'
import { list, text, time, uuid } from '@clientele/platform/lists/list'

/** A row of `jobs` as it is shown. */
export type JobRow = {
  id: string
  kind: string
  status: JobStatus
  ownerId: string
  ownerName: string
  parent: string | null
  counts: Record<string, number>
  progress: number | null
  error: JobError | null
  state: { result?: ExportResult } | null
  resultFile: string | null
  errorsFile: string | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  expiresAt: Date | null
}

const columns = [
  'id',
  'kind',
  'status',
  'ownerId',
  'ownerName',
  'parent',
  'counts',
  'progress',
  'error',
  'state',
  'resultFile',
  'errorsFile',
  'createdAt',
  'startedAt',
  'finishedAt',
  'expiresAt',
]

export const jobList = list<JobRow>({
  table: 'jobs',
  columns,
  sort: ['createdAt'],
  defaultSort: '-createdAt',
  filter: { kind: text(), status: text(), parent: uuid(), createdAt: time() },
})

/** `linkOf` gives the address of one of the job's files. */
export const presentJob = (row: JobRow, linkOf: (id: string, file: 'result' | 'errors') => string): Job => {
  const { id, kind, status, counts, progress, error } = row
  const createdBy: ActorRef = { id: row.ownerId, displayName: row.ownerName }
  const open = status === 'queued' || status === 'running' || status === 'cancelling'
  return {
    id,
    kind,
    status,
    progress,
    counts,
    // While it is tried again, the last fault is nobody's business.
    error: open ? null : error,
    result: row.state?.result ?? null,
    resultUrl: row.resultFile === null ? null : linkOf(id, 'result'),
    errorsUrl: row.errorsFile === null ? null : linkOf(id, 'errors'),
    createdAt: row.createdAt.toISOString(),
    createdBy,
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
  }
}
