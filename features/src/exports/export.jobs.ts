import type { ExportResult } from '@clientele/contracts/export'
import { isStatementTimeout } from '@clientele/platform/data/database-errors'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { List } from '@clientele/platform/lists/list'
import type { JobFiles } from '../jobs/job-files.ts'
import { type ClaimedJob, JobFailure, type JobKind } from '../jobs/job-kind.ts'
import { inBlocks } from '../tables/byte-window.ts'
import { tableEncoder, writeTable } from '../tables/writer.ts'
import { type ExportFields, type ExportInput, exportLayout } from './export-fields.ts'
import { type Snapshot, withSnapshot } from './snapshot.ts'

/** What can be exported: a list with the fields of its rows. */
export type Exportable<Row extends object> = {
  /** The kind of its jobs, such as `export`. */
  kind: string
  /** The beginning of its files' names. */
  name: string
  list: List<Row>
  fields: ExportFields
  /** Rows as the API shows them; what it reads besides, it reads in the snapshot `tx`. */
  present(rows: Row[], tx: Tx): Promise<Record<string, unknown>[]> | Record<string, unknown>[]
}

type Deps = {
  /** From `createSnapshotDb`. */
  snapshots: Db
  files: JobFiles
  config: { exportMaxSeconds: number; jobKeepHours: number }
}

type State = { file: string; starts: number; result?: ExportResult }

const chunkBytes = 1 << 20
const mostStarts = 10
const tellMs = 1_000

/**
 * A job that writes what a list selects into a file. A snapshot ends with the process that reads it: after a kill the export
 * starts over with a new one, and what was written of the old one goes.
 */
export const exportKind = <Row extends object>(
  { kind, name, list, fields, present }: Exportable<Row>,
  { snapshots, files, config }: Deps,
): JobKind => ({
  kind,

  run: async (job, { step, finish }) => {
    const input = job.input as ExportInput
    const before = job.state as State | null
    const starts = (before?.starts ?? 0) + 1
    if (starts > mostStarts)
      throw new JobFailure('given_up', `the export was interrupted ${mostStarts} times; it has to start over each time`)
    const { options, valuesOf } = exportLayout(input, fields)
    const fileName = `${name}.${input.format}${input.gzip ? '.gz' : ''}`
    const contentType = input.gzip ? 'application/gzip' : tableEncoder(options).contentType
    let file = ''
    await step(async (tx) => {
      if (before) await files.remove(before.file, tx)
      const keepHours = Math.ceil(config.exportMaxSeconds / 3600) + 1
      file = await files.create({ name: fileName, contentType, keepHours }, tx)
      return { state: { file, starts }, counts: { rows: 0 }, progress: 0 }
    })

    const tooLong = new JobFailure(
      'export_too_long',
      `the export took longer than ${config.exportMaxSeconds} seconds; narrow the filter or take fewer fields`,
    )
    const deadline = Date.now() + config.exportMaxSeconds * 1000
    const statement = list.all(input.filter ?? {}, { actor: job.owner })
    const write = async ({ tx: snapshot, estimate, batches }: Snapshot<Row>): Promise<ExportResult> => {
      let rows = 0
      let told = Date.now()
      const reached = () => {
        if (Date.now() > deadline) throw tooLong
        told = Date.now()
        return { counts: { rows }, progress: Math.min(rows / Math.max(estimate, rows, 1), 0.99) }
      }
      async function* written() {
        for await (const batch of batches) {
          yield (await present(batch, snapshot)).map(valuesOf)
          rows += batch.length
          // What compresses well fills a chunk seldom: progress and a wish to cancel do not wait for it.
          if (Date.now() - told > tellMs) await step(async () => reached())
        }
      }
      const table = writeTable(written(), options)
      let position = 0
      for await (const chunk of inBlocks(table.chunks, chunkBytes)) {
        await step(async (tx) => {
          await files.append(file, position, chunk, tx)
          return reached()
        })
        position += 1
      }
      return table.summary()
    }
    const { rows, bytes, sha256 } = await withSnapshot(snapshots, statement, write).catch((error: unknown) => {
      throw isStatementTimeout(error) ? tooLong : error
    })
    await finish(async (tx) => {
      await files.seal(file, { bytes, sha256, keepHours: config.jobKeepHours }, tx)
      return { state: { file, starts, result: { rows, bytes, sha256 } }, counts: { rows }, resultFile: file }
    })
  },

  ended: async (job: ClaimedJob, _outcome, tx) => {
    const state = job.state as State | null
    if (state) await files.remove(state.file, tx)
  },
})
