import type { Import, ImportCounts } from '@clientele/contracts/imports/import'
import type { Job } from '@clientele/contracts/job'
import type { Client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'

type File = string | Buffer | object[]

const finalStates = ['succeeded', 'failed', 'cancelled']
const idleStates = ['checked', 'finished', 'failed', 'cancelled', 'undone']

/** A client that uses imports as a front end does. */
export const createImportClient = (user: Client) => {
  const send = (file: File, query: Record<string, string> = {}, type?: string) => {
    const address = `/v1/imports?${new URLSearchParams(query)}`
    const text = typeof file === 'string' || file instanceof Uint8Array
    const content = text ? file : JSON.stringify(file)
    const headers = { 'content-type': type ?? (text ? 'text/csv' : 'application/json') }
    return user.post(address, content, headers)
  }
  const get = async (id: string): Promise<Import> => (await user.get(`/v1/imports/${id}`)).body
  const rest = (id: string): Promise<Import> =>
    eventually(
      async () => {
        const current = await get(id)
        if (!idleStates.includes(current.status)) throw new Error(`the import is ${current.status}`)
        return current
      },
      { timeoutMs: 50_000 },
    )
  const current = async (id: string): Promise<Job> => (await user.get(`/v1/jobs/${id}`)).body
  const job = (id: string): Promise<Job> =>
    eventually(
      async () => {
        const body = await current(id)
        if (!finalStates.includes(body.status)) throw new Error(`the job is ${body.status}`)
        return body
      },
      { timeoutMs: 50_000 },
    )

  return {
    send,
    get,
    rest,
    current,
    job,
    /** Sends a file and waits for its dry run. */
    check: async (file: File, query: Record<string, string> = {}, type?: string): Promise<Import> => {
      const { status, body } = await send(file, query, type)
      if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
      return rest(body.id)
    },
    commit: async (id: string, choices: object = {}): Promise<Import> => {
      const { status, body } = await user.post(`/v1/imports/${id}/commit`, choices)
      if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
      await job(body.id)
      return get(id)
    },
    undo: async (id: string): Promise<Job> => {
      const { status, body } = await user.post(`/v1/imports/${id}/undo`)
      if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
      return job(body.id)
    },
    /** Downloads a file of a job by a link, without a token. `url` is that of the job. */
    download: async (base: string, url: string | null): Promise<string> => {
      const { body: link } = await user.post(`${url}-link`)
      const response = await fetch(`${base}${link.url}`)
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      return response.text()
    },
  }
}

/** All counts of an import; `read` is the sum of the given ones. */
export const counts = (given: Partial<ImportCounts>): ImportCounts => ({
  read: Object.values(given).reduce((sum, count) => sum + count, 0),
  created: 0,
  updated: 0,
  skipped: 0,
  failed: 0,
  ...given,
})

/** Rows as CSV with a header. */
export const csv = (rows: Record<string, string | number>[]): string => {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const line = (cells: unknown[]) => cells.map((cell) => `"${String(cell ?? '').replaceAll('"', '""')}"`).join(',')
  return [line(columns), ...rows.map((row) => line(columns.map((column) => row[column])))].join('\r\n')
}
