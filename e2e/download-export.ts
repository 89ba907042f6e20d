import { deepEqual } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Job } from '@clientele/contracts/job'
import type { Client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'

/** Waits until a job has succeeded. @throws Error if it has not within a minute */
export const waitForJob = (user: Client, location: string): Promise<Job> =>
  eventually(
    async () => {
      const { body } = await user.get(location)
      if (body?.status !== 'succeeded') throw new Error(`the job is ${JSON.stringify(body)}`)
      return body as Job
    },
    { timeoutMs: 60_000, everyMs: 100 },
  )

/**
 * Downloads the file of an export by a link, without a token.
 * @throws AssertionError if its rows, bytes or hash differ from what the job says
 */
export const downloadExport = async (user: Client, { result, resultUrl }: Job): Promise<string> => {
  const { pathname } = new URL(resultUrl ?? '')
  const link = await user.post(`${pathname}-link`)
  const response = await fetch(link.body.url)
  const bytes = Buffer.from(await response.arrayBuffer())
  const sha256 = createHash('sha256').update(bytes).digest()
  deepEqual(
    [response.status, Number(response.headers.get('x-row-count')), bytes.length, sha256.toString('hex')],
    [200, result?.rows, result?.bytes, result?.sha256],
  )
  deepEqual(response.headers.get('repr-digest'), `sha-256=:${sha256.toString('base64')}:`)
  return bytes.toString()
}
