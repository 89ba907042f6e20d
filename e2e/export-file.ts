import { deepEqual } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Job } from '@clientele/contracts/job'
import type { Client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'

/** Waits until a job has succeeded. @throws Error where it has not */
export const succeeded = (user: Client, location: string): Promise<Job> =>
  eventually(
    async () => {
      const { body } = await user.get(location)
      if (body?.status !== 'succeeded') throw new Error(`the job is ${JSON.stringify(body)}`)
      return body as Job
    },
    { timeoutMs: 60_000, everyMs: 100 },
  )

/** Loads the file of an export by its signed link, without a token. @throws AssertionError where it is not as the job says */
export const exportedFile = async ({ result, resultUrl }: Job): Promise<string> => {
  const answer = await fetch(resultUrl ?? '')
  const bytes = Buffer.from(await answer.arrayBuffer())
  const sha256 = createHash('sha256').update(bytes).digest()
  deepEqual(
    [answer.status, Number(answer.headers.get('x-row-count')), bytes.length, sha256.toString('hex')],
    [200, result?.rows, result?.bytes, result?.sha256],
  )
  deepEqual(answer.headers.get('repr-digest'), `sha-256=:${sha256.toString('base64')}:`)
  return bytes.toString()
}
