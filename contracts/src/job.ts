import { z } from 'zod'
import { ExportResult } from './export.ts'
import { ActorRef, time, uuid } from './fields.ts'

/**
 * `queued`: waits for a worker. `running`: a worker runs it. `cancelling`: it ends after its current step.
 * `succeeded`, `failed` and `cancelled` are final.
 */
export const JobStatus = z
  .enum(['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled'])
  .meta({ id: 'JobStatus' })
export type JobStatus = z.infer<typeof JobStatus>

/**
 * The reason why a job failed or was cancelled; `owner_lost_access`: its owner was disabled, deleted or lost the role `user`.
 * `message` is shown to users.
 */
export const JobError = z.object({ code: z.string(), message: z.string() }).meta({ id: 'JobError' })
export type JobError = z.infer<typeof JobError>

/** Long work in the background. Its files expire at `expiresAt`. */
export const Job = z
  .object({
    id: uuid,
    kind: z.string().meta({ example: 'import' }),
    status: JobStatus,
    progress: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .meta({ description: 'The fraction of the work that is done; null if unknown.' }),
    counts: z.record(z.string(), z.int().min(0)).meta({ example: { read: 1200, created: 1000, failed: 3 } }),
    error: JobError.nullable().meta({
      description:
        'Why the job failed, or was cancelled by the system. Null if a user cancelled it. `owner_lost_access`: its owner was disabled, deleted or lost the role `user`; what it had done stays.',
    }),
    result: ExportResult.nullable().meta({
      description: 'The file of an export that has succeeded; null for other jobs.',
    }),
    resultUrl: z.string().nullable().meta({
      description:
        'The URL of the file that the job wrote, which requires an access token. `POST` to the same URL with `-link` at its end creates a link that works without one.',
    }),
    errorsUrl: z.string().nullable().meta({
      description: 'The URL of the list of rows that failed, which requires an access token, as for `resultUrl`.',
    }),
    createdAt: time,
    createdBy: ActorRef,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    expiresAt: time.nullable(),
  })
  .meta({ id: 'Job' })
export type Job = z.infer<typeof Job>

/** A link to a file of a job. It works without an access token until `expiresAt`. */
export const JobFileLink = z.object({ url: z.string(), expiresAt: time }).meta({ id: 'JobFileLink' })
export type JobFileLink = z.infer<typeof JobFileLink>
