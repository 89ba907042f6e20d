import type { ExportResult } from '@clientele/contracts/export'
import type { ActorRef } from '@clientele/contracts/fields'
import { type Job, type JobError, JobStatus } from '@clientele/contracts/job'
import { list, oneOf, text, time, uuid } from '@clientele/platform/lists/list'

/** The columns of `jobs` that the API shows. */
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
  filter: {
    kind: text(),
    status: oneOf(JobStatus),
    parent: { ...uuid(), description: 'The id of the import that the job belongs to' },
    createdAt: time(),
  },
})

/**
 * Converts a job for responses.
 * @param urlOf returns the URL of one of the job's files
 */
export const presentJob = (row: JobRow, urlOf: (id: string, file: 'result' | 'errors') => string): Job => {
  const { id, kind, status, counts, progress, error } = row
  const createdBy: ActorRef = { id: row.ownerId, displayName: row.ownerName }
  const mayBeRetried = status === 'queued' || status === 'running'
  return {
    id,
    kind,
    status,
    progress,
    counts,
    // While the job is retried, the error of its last attempt is not shown.
    error: mayBeRetried ? null : error,
    result: row.state?.result ?? null,
    resultUrl: row.resultFile === null ? null : urlOf(id, 'result'),
    errorsUrl: row.errorsFile === null ? null : urlOf(id, 'errors'),
    createdAt: row.createdAt.toISOString(),
    createdBy,
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
  }
}
