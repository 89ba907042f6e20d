import { z } from 'zod'
import { event } from './event.ts'
import { ActorRef, line, time, uuid } from './fields.ts'
import { JobError } from './job.ts'

/** What happens to a row that names a resource which is there already. */
export const OnMatch = z.enum(['update', 'skip', 'fail'])
export type OnMatch = z.infer<typeof OnMatch>

export const ImportFormat = z.enum(['csv', 'json', 'ndjson'])
export type ImportFormat = z.infer<typeof ImportFormat>

/**
 * `checking`: the dry run is under way; `checked`: it can be committed; `importing`; `finished`; `failed` and `cancelled` by the
 * last check or commit, whose rows up to then are kept; `undoing`; `undone`.
 */
export const ImportStatus = z.enum([
  'checking',
  'checked',
  'importing',
  'finished',
  'failed',
  'cancelled',
  'undoing',
  'undone',
])
export type ImportStatus = z.infer<typeof ImportStatus>

const column = z.string().max(1_000)
/** Which field each column goes into; null or absent: none. */
export const ImportMapping = z
  .record(column, z.string().max(200).nullable())
  .refine((mapping) => Object.keys(mapping).length <= 1_000, 'must have at most 1,000 columns')
  .meta({ example: { 'First name': 'name', Mail: 'email', Notes: null } })
export type ImportMapping = z.infer<typeof ImportMapping>

const count = z.int().min(0)
/** `read` is the sum of the others. */
export const ImportCounts = z
  .object({ read: count, created: count, updated: count, skipped: count, failed: count })
  .meta({ id: 'ImportCounts' })
export type ImportCounts = z.infer<typeof ImportCounts>

/** What is wrong with a row. `row` counts as a spreadsheet does: the header is row 1. */
export const ImportRowError = z
  .object({
    row: z.int(),
    pointer: z.string().meta({ example: '/email', description: 'the field; empty where it is the whole row' }),
    code: z.string(),
    message: z.string(),
  })
  .meta({ id: 'ImportRowError' })
export type ImportRowError = z.infer<typeof ImportRowError>

export const Import = z
  .object({
    id: uuid,
    status: ImportStatus,
    name: z.string().nullable().meta({ example: 'customers.csv' }),
    format: ImportFormat,
    delimiter: z.string().nullable(),
    encoding: z.string().meta({ example: 'utf-8' }),
    bytes: z.int().meta({ description: 'of the decoded text' }),
    sha256: z.string().meta({ description: 'of the decoded text, in hexadecimal' }),
    columns: z.array(z.string()),
    mapping: z.record(z.string(), z.string()),
    unmapped: z.array(z.string()).meta({ description: 'columns that go nowhere' }),
    matchBy: z.string().meta({ example: 'email' }),
    onMatch: OnMatch,
    total: z.int().nullable().meta({ description: 'rows in the file, known after the dry run' }),
    counts: ImportCounts.meta({ description: 'of the commit, before it of the dry run' }),
    progress: z.number().min(0).max(1).nullable(),
    errors: z
      .array(ImportRowError)
      .meta({ description: 'the first hundred; all of them are in the file at errorsUrl' }),
    errorsUrl: z.string().nullable(),
    error: JobError.nullable().meta({ description: 'why the whole import failed' }),
    previousImportId: uuid.nullable().meta({ description: 'an import that took the same content' }),
    jobId: uuid.meta({ description: 'the latest job: dry run, commit or undo' }),
    createdAt: time,
    createdBy: ActorRef,
    finishedAt: time.nullable(),
    expiresAt: time,
  })
  .meta({ id: 'Import' })
export type Import = z.infer<typeof Import>

/** What can be said when a file is sent: as fields of the form, or as parameters of the address beside the bare file. */
const options = {
  format: ImportFormat.optional().meta({ description: 'found out where it is absent' }),
  delimiter: z
    .string()
    .regex(/^[^"'\r\n]$/, 'must be one character')
    .optional()
    .meta({ description: 'of CSV; found out where it is absent' }),
  encoding: z.string().max(50).optional().meta({ description: 'such as windows-1252; found out where it is absent' }),
  header: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'whether the first row of a CSV names the columns; found out where it is absent' }),
  name: line(200).optional().meta({ description: 'what to call the file' }),
  matchBy: z.string().max(50).optional(),
  onMatch: OnMatch.optional(),
  mapping: z.string().max(100_000).optional().meta({ description: 'JSON; suggested where it is absent' }),
}
export const ImportOptions = z.strictObject(options).meta({ id: 'ImportOptions' })
export type ImportOptions = z.infer<typeof ImportOptions>

const file = z.string().meta({ format: 'binary', description: 'CSV, JSON or NDJSON, plain or gzip' })
/** POST, `multipart/form-data`. `encoding` has to come before the file. */
export const ImportForm = z.strictObject({ ...options, file }).meta({ id: 'ImportForm' })
export const ImportFile = file

const choices = {
  mapping: ImportMapping.optional(),
  matchBy: z.string().max(50).optional(),
  onMatch: OnMatch.optional(),
}
/** PATCH: another mapping, key or way; the dry run is made again. */
export const ImportPatch = z.strictObject(choices).meta({ id: 'ImportPatch' })
export type ImportPatch = z.infer<typeof ImportPatch>
/** POST `/commit`: choices may be changed for the last time; each row is checked again as it is imported. */
export const ImportCommit = z
  .strictObject({
    ...choices,
    again: z.boolean().optional().meta({ description: 'although an import took the same content before' }),
  })
  .meta({ id: 'ImportCommit' })
export type ImportCommit = z.infer<typeof ImportCommit>

/** The end of an import that was committed: `finished`, `failed` or `cancelled`. */
export const importFinished = event(
  'import.finished.v1',
  z.object({
    id: uuid,
    entity: z.string().meta({ example: 'customers' }),
    status: z.enum(['finished', 'failed', 'cancelled']),
    counts: ImportCounts,
    error: JobError.nullable(),
    createdAt: time,
    createdBy: ActorRef,
  }),
)
