import { z } from 'zod'
import { ExportResult } from './export.ts'
import { ActorRef, time, uuid } from './fields.ts'

/**
 * `queued`: waits for its turn; `running`: a replica works on it; `cancelling`: it ends after the step being done;
 * `succeeded`, `failed` and `cancelled` are for good.
 */
export const JobStatus = z.enum(['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled'])
export type JobStatus = z.infer<typeof JobStatus>

/** Why a job failed, for people to read. */
export const JobError = z.object({ code: z.string(), message: z.string() }).meta({ id: 'JobError' })
export type JobError = z.infer<typeof JobError>

/** Long work that a service does by itself. Its files are there until `expiresAt`, by links that need no header. */
export const Job = z
  .object({
    id: uuid,
    kind: z.string().meta({ example: 'import' }),
    status: JobStatus,
    progress: z.number().min(0).max(1).nullable().meta({ description: 'the part that is done, where it is known' }),
    counts: z.record(z.string(), z.int()).meta({ example: { read: 1200, created: 1000, failed: 3 } }),
    error: JobError.nullable(),
    result: ExportResult.nullable().meta({ description: 'of an export that has succeeded' }),
    resultUrl: z.string().nullable(),
    errorsUrl: z.string().nullable(),
    createdAt: time,
    createdBy: ActorRef,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    expiresAt: time.nullable(),
  })
  .meta({ id: 'Job' })
export type Job = z.infer<typeof Job>
