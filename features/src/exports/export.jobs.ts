import type { ExportResult } from '@clientele/contracts/export'
import { isStatementTimeout } from '@clientele/platform/data/database-errors'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { List } from '@clientele/platform/lists/list'
import { Problem } from '@clientele/platform/runtime/problem'
import type { JobQuota } from '../jobs/job.quota.ts'
import type { JobFiles } from '../jobs/job-files.ts'
import { type ClaimedJob, JobFailure, type JobKind } from '../jobs/job-kind.ts'
import { toBlocks } from '../tables/byte-window.ts'
import { CellTooLong } from '../tables/workbook/sheet-xml.ts'
import { contentTypeOf, writeTable } from '../tables/writer.ts'
import { type ExportFields, type ExportInput, exportLayout } from './export-fields.ts'
import { type Snapshot, withSnapshot } from './snapshot.ts'

/** A list that can be exported. */
export type Exportable<Row extends object> = {
  /** The kind of the jobs, for example `export`. */
  kind: string
  /** File name without extension, for example `customers`. */
  name: string
  list: List<Row>
  fields: ExportFields
  /** The fields whose texts are decimal numbers, such as a price. */
  numbers?: readonly string[]
  /** Converts rows to the form of the API. If it reads more data, it must do so in the snapshot `tx`. */
  present(rows: Row[], tx: Tx): Promise<Record<string, unknown>[]> | Record<string, unknown>[]
}

type Deps = {
  /** The result of `createSnapshotDb`. */
  snapshots: Db
  files: JobFiles
  quota: JobQuota
  config: { exportMaxSeconds: number; jobKeepHours: number }
}

/** `starts` counts how often the export has started. */
type State = { file: string; starts: number; result?: ExportResult }

const stepBytes = 1 << 20
const maxStarts = 10
const progressIntervalMs = 1_000

// A job whose quota is used up, or with a text that is too long for its format, fails. It would not succeed soon.
const failJob = (error: unknown): never => {
  if (error instanceof CellTooLong) throw new JobFailure('cell_too_long', error.message)
  throw error instanceof Problem ? new JobFailure(error.code, error.message) : error
}

/**
 * Creates a job kind that writes the rows of a list to a file. A snapshot ends with its process, so after a crash the export
 * deletes its file and starts over with a new snapshot.
 */
export const createExportJobKind = <Row extends object>(
  { kind, name, list, fields, numbers, present }: Exportable<Row>,
  { snapshots, files, quota, config }: Deps,
): JobKind => ({
  kind,

  run: async (job, { step, finish }) => {
    const input = job.input as ExportInput
    const previous = job.state as State | null
    const starts = (previous?.starts ?? 0) + 1
    if (starts > maxStarts)
      throw new JobFailure('given_up', `the export was interrupted ${maxStarts} times and had to start over each time`)
    const { options, valuesOf } = exportLayout(input, fields, { sheet: name, numbers })
    const fileName = `${name}.${input.format}${options.gzip ? '.gz' : ''}`
    const contentType = options.gzip ? 'application/gzip' : contentTypeOf(options)
    let file = ''
    await step(async (tx) => {
      if (previous) await files.remove(previous.file, tx)
      // Other exports may have ended since this one was started.
      await quota.assertMayStore(job.owner.id, {}, tx).catch(failJob)
      const keepHours = Math.ceil(config.exportMaxSeconds / 3600) + 1
      file = await files.create({ name: fileName, contentType, keepHours, ownerId: job.owner.id }, tx)
      return { state: { file, starts }, counts: { rows: 0 }, progress: 0 }
    })

    const tooLong = new JobFailure(
      'export_too_long',
      `the export took longer than ${config.exportMaxSeconds} seconds; narrow the filter or export fewer fields`,
    )
    const deadline = Date.now() + config.exportMaxSeconds * 1000
    const statement = list.selectAll(input.filter ?? {}, { actor: job.owner })
    const write = async ({ tx: snapshot, estimate, batches }: Snapshot<Row>): Promise<ExportResult> => {
      let rows = 0
      let reportedAt = Date.now()
      const reportProgress = () => {
        if (Date.now() > deadline) throw tooLong
        reportedAt = Date.now()
        return { counts: { rows }, progress: Math.min(rows / Math.max(estimate, rows, 1), 0.99) }
      }
      async function* presentedBatches() {
        for await (const batch of batches) {
          yield (await present(batch, snapshot)).map(valuesOf)
          rows += batch.length
          // With gzip it may take long until a chunk is full. Meanwhile this step saves the progress and detects a cancellation.
          if (Date.now() - reportedAt > progressIntervalMs) await step(async () => reportProgress())
        }
      }
      const table = writeTable(presentedBatches(), options)
      let position = 0
      for await (const chunk of toBlocks(table.chunks, stepBytes)) {
        let next = position
        await step(async (tx) => {
          next = await files.appendForReaders(file, position, chunk, tx)
          return reportProgress()
        })
        position = next
      }
      return table.summary()
    }
    const { rows, bytes, sha256 } = await withSnapshot(snapshots, statement, write).catch((error: unknown) => {
      if (isStatementTimeout(error)) throw tooLong
      return failJob(error)
    })
    await finish(async (tx) => {
      await files.complete(file, { bytes, sha256, keepHours: config.jobKeepHours }, tx)
      return { state: { file, starts, result: { rows, bytes, sha256 } }, counts: { rows }, resultFile: file }
    })
  },

  onFailedOrCancelled: async (job: ClaimedJob, _outcome, tx) => {
    const state = job.state as State | null
    if (state) await files.remove(state.file, tx)
  },
})
